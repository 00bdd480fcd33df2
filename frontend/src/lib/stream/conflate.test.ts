import { describe, expect, it } from 'vitest';
import { frame } from '../../../tests/frames';
import { decodeDepth, TRADES_KEPT, type Depth } from '$lib/market/depth';
import { Conflator } from './conflate';

function conflator() {
	const sent: { depth: Depth; jumped: boolean }[] = [];
	return { sent, conflator: new Conflator((depth, jumped) => sent.push({ depth, jumped })) };
}

const at = (index: number, trades: string[] = []): Depth =>
	decodeDepth(frame({ index, trades: trades.map((time) => ['64790000000', 1, 'B', time]) }), 1);

describe('Conflator', () => {
	it('sends one depth and then waits for the paint', () => {
		const { sent, conflator: held } = conflator();
		held.offer(at(1));
		held.offer(at(2));
		held.offer(at(3));
		expect(sent.map(({ depth }) => depth.index)).toEqual([1]);
		held.painted();
		expect(sent.map(({ depth }) => depth.index)).toEqual([1, 3]);
	});

	it('sends the next at once when nothing was held', () => {
		const { sent, conflator: held } = conflator();
		held.offer(at(1));
		held.painted();
		held.offer(at(2));
		expect(sent).toHaveLength(2);
	});

	it('skips books but no trade', () => {
		const { sent, conflator: held } = conflator();
		held.offer(at(1, ['1']));
		held.offer(at(2, ['2']));
		held.offer(at(3, ['3', '4']));
		held.painted();
		expect(sent.flatMap(({ depth }) => depth.trades.map(({ time }) => time))).toEqual([
			1n,
			2n,
			3n,
			4n
		]);
	});

	it('holds no more trades than a screen lists, the newest', () => {
		const { sent, conflator: held } = conflator();
		held.offer(at(1));
		for (let index = 2; index < 2 * TRADES_KEPT; index += 1)
			held.offer(at(index, [`${index}`]));
		held.painted();
		const trades = sent[1]?.depth.trades ?? [];
		expect(trades).toHaveLength(TRADES_KEPT);
		expect(trades.at(-1)?.time).toBe(BigInt(2 * TRADES_KEPT - 1));
	});

	it('drops what was held from before a jump, and says that there was one', () => {
		const { sent, conflator: held } = conflator();
		held.offer(at(98));
		held.offer(at(99, ['99']));
		held.jump();
		held.painted();
		held.offer(at(1, ['1']));
		expect(sent.map(({ depth, jumped }) => [depth.index, jumped])).toEqual([
			[98, false],
			[1, true]
		]);
		expect(sent[1]?.depth.trades.map(({ time }) => time)).toEqual([1n]);
	});
});
