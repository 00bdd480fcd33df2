import type { WireFrame } from '../src/lib/market/depth';

/** A depth frame as the service sends it: a book of one order a side, unless the test says more. */
export function frame(change: Partial<WireFrame> = {}): WireFrame {
	return {
		index: 1,
		total: 100,
		ts_recv: '1758750439123456789',
		instrument_id: 7,
		publisher_id: 1,
		view: 'matched',
		bids: [['64780000000', 3, 1]],
		asks: [['65400000000', 1, 1]],
		crossed: false,
		locked: false,
		suspect: null,
		last_trade: null,
		volume: 0,
		trades: [],
		...change
	};
}

export function event(change: Partial<WireFrame> = {}): string {
	const body = frame(change);
	return `id: ${body.index}\ndata: ${JSON.stringify(body)}\n\n`;
}
