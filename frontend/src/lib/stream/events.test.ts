import { expect, it } from 'vitest';
import { readEvents, type EventSourceMessage } from './events';

/** Reads `text` in pieces of `size` bytes. */
async function read(text: string, size: number) {
	const bytes = new TextEncoder().encode(text);
	const events: EventSourceMessage[] = [];
	let reads = 0;
	let at = 0;
	const body = new ReadableStream<Uint8Array>({
		pull(controller) {
			if (at >= bytes.length) return controller.close();
			controller.enqueue(bytes.subarray(at, (at += size)));
		}
	});
	await readEvents(
		body,
		(event) => events.push(event),
		() => (reads += 1)
	);
	return { events, reads };
}

const STREAM = [
	': heartbeat\n\n',
	'id: 12\ndata: {"name":"Zürich"}\n\n',
	'event: jump\ndata: {"index":0}\r\n\r\n',
	'data: one\ndata: two\n\n',
	': comment\n\n'
].join('');

it.each([1, 2, 3, 7, 1000])('reads the same events in pieces of %i bytes', async (size) => {
	const { events } = await read(STREAM, size);
	expect(events).toEqual([
		{ id: '12', event: undefined, data: '{"name":"Zürich"}' },
		{ id: undefined, event: 'jump', data: '{"index":0}' },
		{ id: undefined, event: undefined, data: 'one\ntwo' }
	]);
});

it('does not deliver an event that was cut short', async () => {
	const { events } = await read('data: whole\n\ndata: cut', 4);
	expect(events.map(({ data }) => data)).toEqual(['whole']);
});

it('tells of every piece, also of comments', async () => {
	const { reads } = await read(': a\n\n', 1);
	expect(reads).toBe(': a\n\n'.length);
});
