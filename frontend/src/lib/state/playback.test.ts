import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { directLink } from '../../../tests/direct-link';
import { bye, event, replay, state } from '../../../tests/frames';
import { Heard } from '../../../tests/heard';
import {
	localService,
	openEvents,
	sendJson,
	type Handler,
	type LocalService
} from '../../../tests/local-service';
import { shelf } from '../../../tests/shelf';
import { until } from '../../../tests/until.svelte';
import { Service, type ReplayChange } from '$lib/api/service';
import type { Link } from '$lib/stream/link';
import { Access } from './access.svelte';
import { Board } from './board.svelte';
import { Playback, type Loss, type Source } from './playback.svelte';

let service: LocalService;
let link: Link;

afterEach(async () => {
	link.close();
	await service.close();
});

const SOURCE: Source = {
	replay: replay(),
	instrument: 7,
	publisher: 1,
	view: 'matched',
	grows: false,
	first: 0
};

interface Made {
	/** Answers a stream. */
	stream?: Handler;
	/** Answers a control. */
	control?: Handler;
	onPaint?: (paint: () => void) => void;
}

/** A playback of a service that sends the state and one frame, unless the test says more. */
async function playing({ stream, control, onPaint = (paint) => paint() }: Made = {}) {
	const controls = new Heard<ReplayChange>();
	const streams = new Heard<(events: string) => void>();
	service = await localService((url, response, request) => {
		if (request.method === 'PATCH') {
			void text(request).then((body) => {
				controls.tell(JSON.parse(body) as ReplayChange);
				if (control) control(url, response, request);
				else sendJson(response, replay());
			});
		} else if (stream) stream(url, response, request);
		else {
			openEvents(response).write(state() + event());
			streams.tell((events) => response.write(events));
		}
	});
	link = directLink();
	const access = new Access(shelf);
	const board = new Board();
	const playback = new Playback({
		service: new Service(service.root, () => access.key),
		link,
		access,
		board,
		hz: () => 20,
		onPaint
	});
	const lost = new Heard<Loss>();
	playback.onLoss(lost.tell);
	playback.show(SOURCE);
	return { playback, access, board, controls, streams, lost };
}

/** A playback that has painted once, and a way to send it more. */
async function live(made: Made = {}) {
	const all = await playing(made);
	await until(() => all.playback.depth !== null);
	const send = await all.streams.next(() => true, 0);
	return { ...all, send };
}

const lastAsked = () => Object.fromEntries(service.asked.at(-1)?.searchParams ?? []);
const trade = (time: string): [string, number, 'B', string] => ['64790000000', 1, 'B', time];

describe('Playback', () => {
	it('asks for the book it shows, on the replay it follows', async () => {
		const { playback } = await live();
		expect(service.asked[0]?.pathname).toBe('/api/v1/replays/replay-1/depth');
		expect(lastAsked()).toEqual({
			instrument: '7',
			publisher: '1',
			levels: '10',
			hz: '20',
			view: 'matched',
			trades: 'true'
		});
		expect(playback.link.name).toBe('live');
		expect(playback.decimals).toBe(2);
	});

	it('is where the service says that the replay is', async () => {
		const { playback, send } = await live();
		send(state({ playing: false, speed: 3, index: 50, ts_recv: '5' }));
		await until(() => playback.index === 50);
		expect([playback.playing, playback.speed, playback.time]).toEqual([false, 3, 5n]);
		// The book is shown as of the last whole event, which may lie before.
		send(event({ index: 49, ts_recv: '4', volume: 9 }));
		await until(() => playback.depth?.volume === 9);
		expect([playback.index, playback.time]).toEqual([50, 5n]);
		send(event({ index: 60, ts_recv: '6' }));
		await until(() => playback.index === 60);
		expect(playback.time).toBe(6n);
	});

	it('shows what was asked at once, and then what the service says', async () => {
		const { playback, controls, send } = await live();
		playback.toggle();
		expect(playback.playing).toBe(false);
		expect(await controls.next(() => true, 0)).toEqual({ playing: false });
		send(state({ playing: false }));
		await until(() => playback.state?.playing === false);
		playback.stepSpeed(1);
		expect(playback.speed).toBe(2);
		playback.seek(70);
		expect(playback.index).toBe(70);
		send(state({ index: 71, epoch: 2, speed: 5 }));
		await until(() => playback.index === 71 && playback.speed === 5);
		expect(playback.playing).toBe(true);
	});

	it('steps along the book that is shown', async () => {
		const { playback, controls } = await live();
		playback.step('trade', -1);
		expect(await controls.next(() => true, 0)).toEqual({
			step: { by: 'trade', count: -1, instrument: '7' }
		});
		expect(playback.playing).toBe(false);
	});

	it('says what the service minds, and shows what is again', async () => {
		const { playback, board } = await live({
			control: (_, response) => sendJson(response, { detail: 'the service is stopping' }, 503)
		});
		playback.toggle();
		await until(() => board.text === 'the service is stopping');
		expect(playback.playing).toBe(true);
	});

	it('hands the words to who asked for a moment', async () => {
		const { playback, board } = await live({
			control: (_, response) => sendJson(response, { detail: 'seek: outside the tape' }, 400)
		});
		expect((await playback.goTo('21:00'))?.message).toBe('seek: outside the tape');
		expect(board.text).toBeNull();
	});

	it('knows a tape that grows, and goes to its head', async () => {
		const { playback, controls, send } = await live();
		playback.toHead();
		expect(playback.grows).toBe(false);
		send(event({ index: 2, total: 105 }));
		await until(() => playback.grows);
		expect(playback.total).toBe(105);
		playback.toHead();
		expect(await controls.next(() => true, 0)).toEqual({ seek: 'end', playing: true });
		send(state({ index: 105, total: 105, epoch: 2, at_head: true }));
		await until(() => playback.atHead);
		playback.toHead();
		expect(controls.all).toHaveLength(1);
	});

	it('is told of a tape that grows, before it is seen to', async () => {
		const { playback, controls } = await live();
		playback.show({ ...SOURCE, grows: true });
		playback.toHead();
		expect(await controls.next(() => true, 0)).toEqual({ seek: 'end', playing: true });
	});

	it('keeps its place for another book of the tape', async () => {
		const { playback, send } = await live();
		send(state({ index: 50 }) + event({ index: 50, trades: [trade('1')] }));
		await until(() => playback.trades.length === 1);
		playback.show({ ...SOURCE, instrument: 8, view: 'published' });
		expect([playback.depth, playback.trades, playback.index]).toEqual([null, [], 50]);
		await until(() => playback.depth !== null);
		expect(lastAsked()).toMatchObject({ instrument: '8', view: 'published' });
	});

	it('forgets one replay for another', async () => {
		const { playback, send } = await live();
		send(state({ playing: false, index: 50 }));
		await until(() => playback.index === 50);
		playback.show({ ...SOURCE, replay: replay({ id: 'replay-2', index: 9, speed: 2 }) });
		expect([playback.index, playback.playing, playback.speed]).toEqual([9, true, 2]);
		await until(() => playback.depth !== null);
		expect(service.asked.at(-1)?.pathname).toBe('/api/v1/replays/replay-2/depth');
	});

	it('lists trades newest first, and anew after a jump', async () => {
		const { playback, send } = await live();
		send(event({ index: 3, trades: [trade('2'), trade('3')] }));
		await until(() => playback.trades.length === 2);
		expect(playback.trades.map(({ time }) => time)).toEqual([3n, 2n]);
		send(state({ epoch: 2, index: 0 }) + event({ index: 4, trades: [trade('4')] }, 2));
		await until(() => playback.depth?.epoch === 2);
		expect(playback.trades.map(({ time }) => time)).toEqual([4n]);
	});

	it('does not paint a book that is no longer wanted, nor a moment that was left', async () => {
		const paints = new Heard<() => void>();
		let held = false;
		const { playback, send } = await live({
			onPaint: (paint) => {
				if (held) paints.tell(paint);
				else paint();
			}
		});
		held = true;
		send(event({ index: 2 }));
		const left = await paints.next(() => true, 0);
		send(state({ epoch: 2, index: 90 }));
		await until(() => playback.index === 90);
		left();
		expect([playback.depth?.index, playback.index]).toEqual([1, 90]);
		send(event({ index: 91 }, 2));
		const late = await paints.next(() => true, 1);
		playback.show({ ...SOURCE, instrument: 8 });
		late();
		expect(playback.depth).toBeNull();
	});

	it('tells a refusal in the words of the service, and tries again when asked to', async () => {
		let refused = false;
		const { playback } = await playing({
			stream: (_, response) => {
				if (refused) return openEvents(response).write(state() + event());
				refused = true;
				sendJson(response, { detail: 'levels: a whole number from 1 to 100' }, 400);
			}
		});
		await until(() => playback.link.name === 'failed');
		expect(playback.link).toMatchObject({ why: 'levels: a whole number from 1 to 100' });
		playback.retry();
		await until(() => playback.depth !== null);
		expect(playback.link.name).toBe('live');
	});

	it.each([
		['ended', (_, response) => openEvents(response).end(state() + bye('ended'))],
		['removed', (_, response) => openEvents(response).end(state() + bye('removed'))],
		['missing', (_, response) => sendJson(response, { detail: 'no replay' }, 404)],
		['missing', (_, response) => openEvents(response).write(state({ tape: 'other-2b' }))]
	] satisfies [Loss, Handler][])('says that a replay is lost: %s', async (loss, stream) => {
		const { lost } = await playing({ stream });
		expect(await lost.next(() => true, 0)).toBe(loss);
	});

	it('asks for a key, and goes on with it', async () => {
		const { playback, access } = await playing({
			stream: (_, response, request) => {
				if (request.headers.authorization === 'Bearer bt_1')
					openEvents(response).write(state() + event());
				else sendJson(response, { detail: 'a key is needed' }, 401);
			}
		});
		await until(() => access.wanted);
		access.give('bt_1');
		await until(() => playback.depth !== null);
	});

	it('asks for a key where only controls need one', async () => {
		const { playback, access, controls } = await live({
			control: (_, response, request) => {
				if (request.headers.authorization) sendJson(response, replay());
				else sendJson(response, { detail: 'a key is needed' }, 401);
			}
		});
		playback.stepSpeed(1);
		await until(() => access.wanted);
		access.give('bt_1');
		expect(await controls.next(() => true, 1)).toEqual({ speed: 2 });
	});

	it('knows a key that may only watch', async () => {
		const { playback, access, board } = await live({
			control: (_, response) => sendJson(response, { detail: 'needs control' }, 403)
		});
		playback.toggle();
		await until(() => board.text !== null);
		expect(board.text).toBe('This key may watch what is played, but not control it.');
		expect(access.mayControl).toBe(false);
	});
});
