import { describe, expect, it } from 'vitest';
import { frame } from '../../../tests/frames';
import { decodeDepth, type WireFrame } from './depth';
import { ladderOf, LEVELS, spreadOf } from './ladder';

const book = (change: Partial<WireFrame>) => decodeDepth(frame(change), 1);

describe('ladderOf', () => {
	it('stacks asks above bids with the best prices next to the spread', () => {
		const { asks, bids } = ladderOf(
			book({
				asks: [
					['102', 1, 1],
					['103', 1, 1]
				],
				bids: [
					['101', 1, 1],
					['100', 1, 1]
				]
			})
		);
		expect(asks.slice(-2).map(({ level }) => level?.price)).toEqual([103n, 102n]);
		expect(bids.slice(0, 2).map(({ level }) => level?.price)).toEqual([101n, 100n]);
		expect(
			[...asks, ...bids].filter(({ best }) => best).map(({ level }) => level?.price)
		).toEqual([102n, 101n]);
	});

	it('has the same rows however thin the book', () => {
		for (const depth of [null, book({ bids: [], asks: [] }), book({})]) {
			const { asks, bids } = ladderOf(depth);
			expect([asks.length, bids.length]).toEqual([LEVELS, LEVELS]);
		}
	});

	it('measures sizes by the largest of both sides', () => {
		const { asks, bids } = ladderOf(book({ asks: [['102', 50, 2]], bids: [['101', 200, 9]] }));
		expect([asks.at(-1)?.share, bids[0]?.share]).toEqual([0.25, 1]);
	});

	it('marks the level of the last trade', () => {
		const { asks, bids } = ladderOf(
			book({ asks: [['102', 1, 1]], bids: [['101', 1, 1]], last_trade: ['101', 4, 'A'] })
		);
		expect([asks.at(-1)?.traded, bids[0]?.traded, bids[1]?.traded]).toEqual([
			false,
			true,
			false
		]);
	});
});

describe('spreadOf', () => {
	it('is best ask less best bid, exactly', () => {
		expect(
			spreadOf(
				book({ asks: [['9007199254740993', 1, 1]], bids: [['9007199254740992', 1, 1]] })
			)
		).toBe(1n);
	});

	it('is unknown while a side is empty', () => {
		expect(spreadOf(book({ asks: [] }))).toBeNull();
		expect(spreadOf(null)).toBeNull();
	});
});
