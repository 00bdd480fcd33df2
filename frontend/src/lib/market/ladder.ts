import type { Depth, Level } from './depth';

/** Levels shown on each side. */
export const LEVELS = 10;

/** One row of the ladder; `null` where a side has fewer levels than the ladder shows. */
export interface Rung {
	readonly key: string;
	readonly level: Level | null;
	/** Size as a share of the largest one shown, 0 to 1. */
	readonly share: number;
	readonly best: boolean;
	/** The last trade was at this price. */
	readonly traded: boolean;
}

export interface Ladder {
	/** Worst first, as they stand above the spread. */
	readonly asks: readonly Rung[];
	/** Best first. */
	readonly bids: readonly Rung[];
}

/** Always `LEVELS` rows a side, so that a thin book does not move the page. */
export function ladderOf(depth: Depth | null): Ladder {
	const bids = depth?.bids.slice(0, LEVELS) ?? [];
	const asks = depth?.asks.slice(0, LEVELS) ?? [];
	const largest = Math.max(1, ...bids.map(sizeOf), ...asks.map(sizeOf));
	const traded = depth?.lastTrade?.price;
	const rungs = (side: string, levels: readonly Level[]): Rung[] =>
		Array.from({ length: LEVELS }, (_, place) => {
			const level = levels[place] ?? null;
			return {
				key: `${side}${place}`,
				level,
				share: level ? level.size / largest : 0,
				best: level !== null && place === 0,
				traded: level !== null && level.price === traded
			};
		});
	return { asks: rungs('a', asks).reverse(), bids: rungs('b', bids) };
}

/** Best ask less best bid; `null` while a side is empty. */
export function spreadOf(depth: Depth | null): bigint | null {
	const bid = depth?.bids[0];
	const ask = depth?.asks[0];
	return bid && ask ? ask.price - bid.price : null;
}

const sizeOf = (level: Level): number => level.size;
