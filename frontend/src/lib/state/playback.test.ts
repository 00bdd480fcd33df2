import { afterEach, describe, expect, it } from 'vitest';
import { directLink } from '../../../tests/direct-link';
import { event } from '../../../tests/frames';
import {
	localService,
	openEvents,
	sendJson,
	type Handler,
	type LocalService
} from '../../../tests/local-service';
import { Heard } from '../../../tests/heard';
import { until } from '../../../tests/until.svelte';
import { Service } from '$lib/api/service';
import type { Link } from '$lib/stream/link';
import { Playback } from './playback.svelte';

let service: LocalService;
let link: Link;

afterEach(async () => {
	link.close();
	await service.close();
});

/** A tape of one frame a request: the record after `from`, and a trade of one lot. */
const oneFrame: Handler = (url, response) => {
	const index = Number(url.searchParams.get('from')) + 1;
	openEvents(response).write(
		event({ index, volume: 1, trades: [['64790000000', 1, 'B', String(index)]] })
	);
};

async function playing(
	handler: Handler = oneFrame,
	onPaint: (paint: () => void) => void = (paint) => paint()
) {
	service = await localService(handler);
	link = directLink();
	const playback = new Playback({
		service: new Service(service.root),
		link,
		hz: () => 20,
		onPaint
	});
	playback.show({ tape: 'demo-1a', instrument: 7, publisher: 1 });
	await until(() => playback.depth !== null || playback.link.name === 'failed');
	return playback;
}

const lastAsked = () => Object.fromEntries(service.asked.at(-1)?.searchParams ?? []);

describe('Playback', () => {
	it('asks for the book it shows and says when it is live', async () => {
		const playback = await playing();
		expect(service.asked[0]?.pathname).toBe('/api/v1/tapes/demo-1a/depth');
		expect(lastAsked()).toMatchObject({
			instrument: '7',
			publisher: '1',
			levels: '10',
			hz: '20',
			speed: '1',
			from: '0'
		});
		expect(playback.link.name).toBe('live');
		expect(playback.decimals).toBe(2);
	});

	it('stops at a pause and goes on from the record on the screen', async () => {
		const playback = await playing();
		playback.toggle();
		expect(playback.playing).toBe(false);
		expect(playback.link.name).toBe('closed');
		playback.toggle();
		await until(() => playback.depth?.index === 2);
		expect(lastAsked()).toMatchObject({ from: '1' });
		expect(playback.volume).toBe(2);
		expect(playback.trades.map(({ time }) => time)).toEqual([2n, 1n]);
	});

	it('gives up an attempt to reconnect at a pause', async () => {
		const playback = await playing((...request) => {
			oneFrame(...request);
			request[1].end();
		});
		await until(() => playback.link.name === 'waiting');
		playback.toggle();
		expect(playback.link.name).toBe('closed');
	});

	it('keeps its place when the speed changes', async () => {
		const playback = await playing();
		playback.stepSpeed(1);
		await until(() => playback.depth?.index === 2);
		expect(lastAsked()).toMatchObject({ speed: '2', from: '1' });
	});

	it('changes speed during a pause without starting', async () => {
		const playback = await playing();
		playback.toggle();
		playback.setSpeed('max');
		expect(playback.speed).toBe('max');
		expect(service.asked).toHaveLength(1);
	});

	it('keeps its place for another instrument of the tape, and counts anew', async () => {
		const playback = await playing();
		playback.show({ tape: 'demo-1a', instrument: 8, publisher: 1 });
		expect(playback.depth).toBeNull();
		await until(() => playback.depth?.index === 2);
		expect(lastAsked()).toMatchObject({ instrument: '8', from: '1' });
		expect(playback.volume).toBe(1);
		expect(playback.trades).toHaveLength(1);
	});

	it('does not paint a book that is no longer wanted', async () => {
		const paints = new Heard<() => void>();
		let held = false;
		const playback = await playing(oneFrame, (paint) => {
			if (held) paints.tell(paint);
			else paint();
		});
		held = true;
		playback.seek(10);
		const late = await paints.next(() => true, 0);
		playback.show({ tape: 'demo-1a', instrument: 8, publisher: 1 });
		late();
		expect(playback.depth).toBeNull();
	});

	it('begins another tape at its beginning', async () => {
		const playback = await playing();
		playback.show({ tape: 'other-2b', instrument: 7, publisher: 1 });
		await until(() => playback.depth !== null);
		expect(lastAsked()).toMatchObject({ from: '0' });
	});

	it('shows where it was moved to during a pause, and stays there', async () => {
		const left = new Heard<string | null>();
		const playback = await playing((url, response, request) => {
			oneFrame(url, response, request);
			request.on('close', () => left.tell(url.searchParams.get('from')));
		});
		playback.toggle();
		playback.seek(50);
		await until(() => playback.depth?.index === 51);
		await left.next((from) => from === '50', 0);
		expect(playback.playing).toBe(false);
		expect(playback.volume).toBe(1);
	});

	it('counts volume and trades anew when the tape begins again', async () => {
		const playback = await playing((_, response) => {
			openEvents(response).write(
				event({ index: 99, volume: 9, trades: [['64790000000', 9, 'B', '99']] }) +
					'event: jump\ndata: {"index":0,"reason":"loop"}\n\n' +
					event({ index: 2, volume: 1, trades: [['64790000000', 1, 'A', '2']] })
			);
		});
		await until(() => playback.depth?.index === 2);
		expect(playback.volume).toBe(1);
		expect(playback.trades.map(({ time }) => time)).toEqual([2n]);
	});

	it('tells a refusal in the words of the service, and tries again when asked to', async () => {
		let refused = false;
		const playback = await playing((...request) => {
			if (refused) return oneFrame(...request);
			refused = true;
			sendJson(request[1], { detail: 'instrument 7 has no records' }, 404);
		});
		expect(playback.link).toEqual({ name: 'failed', why: 'instrument 7 has no records' });
		playback.retry();
		await until(() => playback.depth !== null);
		expect(playback.link.name).toBe('live');
	});
});
