import { createParser, type EventSourceMessage } from 'eventsource-parser';

export type { EventSourceMessage };

export interface Handlers {
	onEvent: (event: EventSourceMessage) => void;
	onComment: (comment: string) => void;
	/** Called before every read; reading waits until it is done. */
	beforeRead: () => Promise<void> | void;
}

/** Reads a body of server-sent events to its end. */
export async function readEvents(
	body: ReadableStream<Uint8Array>,
	{ onEvent, onComment, beforeRead }: Handlers
): Promise<void> {
	const parser = createParser({ onEvent, onComment });
	const decoder = new TextDecoder();
	const reader = body.getReader();
	for (;;) {
		await beforeRead();
		const { done, value } = await reader.read();
		if (done) return;
		parser.feed(decoder.decode(value, { stream: true }));
	}
}
