import { Problem } from '$lib/api/problem';
import { decodeDepth, type Depth, type WireFrame, type WireJump } from '$lib/market/depth';
import { readEvents, type EventSourceMessage } from './events';

/** The service sends a heartbeat every 15 s; three missed mean that nobody is there. */
const SILENCE_SECONDS = 45;

export interface DepthHandlers {
	onDepth: (depth: Depth) => void;
	/** The tape goes on elsewhere: a loop begins again. */
	onJump: (index: number) => void;
	/** Called before every read; reading waits until it is done. */
	beforeRead: () => Promise<void>;
}

/**
 * Reads one depth stream from the record `from`. Returns when the tape is over; throws a `Problem`
 * when the stream was refused, was cut, or fell silent.
 */
export async function readDepth(
	url: string,
	from: number,
	signal: AbortSignal,
	handlers: DepthHandlers
): Promise<void> {
	const abort = new AbortController();
	let silent = false;
	let watch: ReturnType<typeof setTimeout> | undefined;
	const listen = (): void => {
		clearTimeout(watch);
		watch = setTimeout(() => {
			silent = true;
			abort.abort();
		}, SILENCE_SECONDS * 1000);
	};
	let over = false;
	try {
		listen();
		const body = await open(url, from, AbortSignal.any([signal, abort.signal]));
		await readEvents(body, {
			beforeRead: async () => {
				clearTimeout(watch);
				await handlers.beforeRead();
				listen();
			},
			onComment: (comment) => (over ||= comment.trim() === 'stream_end'),
			onEvent: (event) => {
				if (!signal.aborted) dispatch(event, handlers);
			}
		});
	} catch (error) {
		if (silent) throw new Problem('The service has gone silent', true);
		if (error instanceof Problem) throw error;
		throw new Problem('The connection was cut', true);
	} finally {
		clearTimeout(watch);
		abort.abort();
	}
	if (!over) throw new Problem('The connection was cut', true);
}

async function open(
	url: string,
	from: number,
	signal: AbortSignal
): Promise<ReadableStream<Uint8Array>> {
	const address = new URL(url);
	address.searchParams.set('from', String(from));
	const response = await fetch(address, {
		headers: { Accept: 'text/event-stream' },
		cache: 'no-store',
		signal
	}).catch(() => {
		throw Problem.unreachable(url);
	});
	if (!response.ok || !response.body) {
		throw Problem.of(response, await response.json().catch(() => null));
	}
	return response.body;
}

function dispatch({ event, data }: EventSourceMessage, handlers: DepthHandlers): void {
	if (event === 'bye') throw new Problem('The service is stopping', true);
	if (event === 'jump') {
		handlers.onJump(decode(data, (jump: WireJump) => jump.index));
	} else if (event === undefined) {
		handlers.onDepth(decode(data, (frame: WireFrame) => decodeDepth(frame)));
	}
}

/** Another attempt would bring the same bytes: a page older than its service says so and stops. */
function decode<Wire, Decoded>(data: string, read: (wire: Wire) => Decoded): Decoded {
	try {
		return read(JSON.parse(data) as Wire);
	} catch {
		throw new Problem(
			`The service sent what this page cannot read; reload it. It began: ${data.slice(0, 80)}`,
			false
		);
	}
}
