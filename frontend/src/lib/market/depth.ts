import type { components } from '$lib/api/schema';
import type { Price } from './price';
import type { Nanoseconds } from './time';

/** A depth frame as the service sends it. */
export type WireFrame = components['schemas']['DepthFrame'];

/** `B` a buyer, `A` a seller, `N` nobody (implied, spread and auction trades). */
export type Aggressor = 'B' | 'A' | 'N';

export interface Level {
	readonly price: Price;
	readonly size: number;
	readonly count: number;
}

export interface Trade {
	readonly price: Price;
	readonly size: number;
	readonly aggressor: Aggressor;
}

export interface TimedTrade extends Trade {
	readonly time: Nanoseconds;
}

/** The book at one moment of the tape, best levels first, and the trades since the frame before. */
export interface Depth {
	/** Which run along the tape it is of. */
	readonly epoch: number;
	/** Records applied so far. */
	readonly index: number;
	/** Records of the whole tape. */
	readonly total: number;
	readonly time: Nanoseconds;
	readonly bids: readonly Level[];
	readonly asks: readonly Level[];
	readonly crossed: boolean;
	readonly locked: boolean;
	readonly suspect: string | null;
	readonly lastTrade: Trade | null;
	/** Traded in this book from the beginning of the tape to here. */
	readonly volume: number;
	readonly trades: readonly TimedTrade[];
}

/** Trades kept for a screen that is slower than the stream. */
export const TRADES_KEPT = 50;

/** The epoch in an event's id, which is `epoch:index`. */
export function epochOf(id: string): number {
	const epoch = Number.parseInt(id, 10);
	if (Number.isNaN(epoch)) throw new Error(`no epoch in ${id}`);
	return epoch;
}

export function decodeDepth(frame: WireFrame, epoch: number): Depth {
	return {
		epoch,
		index: frame.index,
		total: frame.total,
		time: BigInt(frame.ts_recv),
		bids: frame.bids.map(decodeLevel),
		asks: frame.asks.map(decodeLevel),
		crossed: frame.crossed,
		locked: frame.locked,
		suspect: frame.suspect,
		lastTrade: frame.last_trade && decodeTrade(frame.last_trade),
		volume: frame.volume,
		trades: (frame.trades ?? []).slice(-TRADES_KEPT).map(decodeTimedTrade)
	};
}

function decodeLevel([price, size, count]: WireFrame['bids'][number]): Level {
	return { price: BigInt(price), size, count };
}

function decodeTrade([price, size, aggressor]: NonNullable<WireFrame['last_trade']>): Trade {
	return { price: BigInt(price), size, aggressor };
}

function decodeTimedTrade([price, size, aggressor, time]: NonNullable<
	WireFrame['trades']
>[number]): TimedTrade {
	return { price: BigInt(price), size, aggressor, time: BigInt(time) };
}
