import { Problem } from '$lib/api/problem';
import { credentials, type ReplayState } from '$lib/api/service';
import { decodeDepth, epochOf, type Depth, type WireFrame } from '$lib/market/depth';
import { readEvents, type EventSourceMessage } from './events';
import type { ByeReason, LastBye } from './protocol';

/** The service sends a heartbeat every 15 s; three missed mean that nobody is there. */
const SILENCE_SECONDS = 45;

export interface DepthHandlers {
	/** What the replay does: first of all, and whenever that changes. */
	onState: (state: ReplayState) => void;
	onDepth: (depth: Depth) => void;
	/** The replay goes on elsewhere on the tape. */
	onJump: () => void;
	/** The id to come back with after a cut. */
	onId: (id: string) => void;
}

export interface DepthRequest {
	readonly url: string;
	readonly key: string | null;
	/** The last id that was seen, by whoever comes back. */
	readonly lastId: string | null;
}

/**
 * Reads one depth stream until the service says goodbye for good, and why. Throws a `Problem` when
 * the stream was refused, was cut or fell silent, or is to be opened again.
 */
export async function readDepth(
	request: DepthRequest,
	signal: AbortSignal,
	handlers: DepthHandlers
): Promise<LastBye> {
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
	let bye: LastBye | null = null;
	try {
		listen();
		const body = await open(request, AbortSignal.any([signal, abort.signal]));
		await readEvents(
			body,
			(event) => {
				if (!signal.aborted) bye = dispatch(event, handlers) ?? bye;
			},
			listen
		);
	} catch (error) {
		if (silent) throw new Problem('The service has gone silent', true);
		if (error instanceof Problem) throw error;
		throw new Problem('The connection was cut', true);
	} finally {
		clearTimeout(watch);
		abort.abort();
	}
	if (bye === null) throw new Problem('The connection was cut', true);
	return bye;
}

async function open(
	{ url, key, lastId }: DepthRequest,
	signal: AbortSignal
): Promise<ReadableStream<Uint8Array>> {
	const response = await fetch(url, {
		headers: {
			Accept: 'text/event-stream',
			...(lastId === null ? {} : { 'Last-Event-ID': lastId }),
			...credentials(key)
		},
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

/** Hands on what an event tells; the reason, where it is the last one. */
function dispatch(message: EventSourceMessage, handlers: DepthHandlers): LastBye | null {
	const { id, event } = message;
	if (id !== undefined) handlers.onId(id);
	switch (event) {
		case undefined:
			handlers.onDepth(
				decode(message, (frame: WireFrame) => decodeDepth(frame, epochOf(id ?? '')))
			);
			return null;
		case 'state':
			handlers.onState(decode(message, (state: ReplayState) => state));
			return null;
		case 'jump':
			handlers.onJump();
			return null;
		case 'bye':
			return last(decode(message, ({ reason }: { reason: ByeReason }) => reason));
		default:
			return null;
	}
}

function last(reason: ByeReason): LastBye {
	if (reason === 'shutdown') throw new Problem('The service is stopping', true);
	if (reason === 'slow') throw new Problem('This page could not keep up', true);
	return reason;
}

/** Another attempt would bring the same bytes: a page older than its service says so and stops. */
function decode<Wire, Decoded>(
	{ data }: EventSourceMessage,
	read: (wire: Wire) => Decoded
): Decoded {
	try {
		return read(JSON.parse(data) as Wire);
	} catch {
		throw new Problem(
			`The service sent what this page cannot read; reload it. It began: ${data.slice(0, 80)}`,
			false
		);
	}
}
