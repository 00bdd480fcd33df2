import { createParser, type EventSourceMessage } from 'eventsource-parser';

export type { EventSourceMessage };

/** Reads a body of server-sent events to its end; `onBytes` hears of comments, too. */
export async function readEvents(
	body: ReadableStream<Uint8Array>,
	onEvent: (event: EventSourceMessage) => void,
	onBytes: () => void
): Promise<void> {
	const parser = createParser({ onEvent });
	const decoder = new TextDecoder();
	const reader = body.getReader();
	for (;;) {
		const { done, value } = await reader.read();
		if (done) return;
		onBytes();
		parser.feed(decoder.decode(value, { stream: true }));
	}
}
