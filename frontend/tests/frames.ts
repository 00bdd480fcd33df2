import type { ReplayState } from '../src/lib/api/service';
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

/** A frame as an event of a replay's stream. */
export function event(change: Partial<WireFrame> = {}, epoch = 1): string {
	const body = frame(change);
	return `id: ${epoch}:${body.index}\ndata: ${JSON.stringify(body)}\n\n`;
}

/** A replay as the service tells it: that of the tape, playing, at its beginning. */
export function replay(change: Partial<ReplayState> = {}): ReplayState {
	return {
		id: 'replay-1',
		tape: 'demo-1a',
		index: 0,
		total: 100,
		ts_recv: '1758750439000000000',
		epoch: 1,
		playing: true,
		speed: 1,
		loop: true,
		at_head: false,
		longest_wait: 2,
		when_unwatched: 'pause',
		watchers: 1,
		default: true,
		...change
	};
}

/** An `event: state`. */
export function state(change: Partial<ReplayState> = {}): string {
	return `event: state\ndata: ${JSON.stringify(replay(change))}\n\n`;
}

/** An `event: bye`. */
export function bye(reason: string, index = 0, epoch = 1): string {
	return `id: ${epoch}:${index}\nevent: bye\ndata: ${JSON.stringify({ index, reason })}\n\n`;
}
