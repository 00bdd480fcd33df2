import type { ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { afterEach, describe, expect, it } from 'vitest';
import { directLink } from '../../../tests/direct-link';
import { bye, event, replay, state } from '../../../tests/frames';
import { Heard } from '../../../tests/heard';
import {
	localService,
	openEvents,
	sendJson,
	type LocalService
} from '../../../tests/local-service';
import { shelf } from '../../../tests/shelf';
import { until } from '../../../tests/until.svelte';
import { Service, type Instrument, type ReplayState, type Tape } from '$lib/api/service';
import type { Link } from '$lib/stream/link';
import { Access } from './access.svelte';
import { readAddress } from './address';
import { Board } from './board.svelte';
import { Desk } from './desk.svelte';
import { Playback } from './playback.svelte';

let service: LocalService;
let link: Link;

afterEach(async () => {
	link.close();
	await service.close();
});

const tape = (id: string): Tape => ({
	id,
	name: id.split('-')[0] ?? id,
	dataset: 'GLBX.MDP3',
	records: 100,
	start: '1',
	end: '2',
	start_iso: null,
	end_iso: null,
	dbn_version: 3,
	left: null,
	first_index: 0,
	growing: false,
	books: 2,
	other_records: {},
	gaps: []
});

const instrument = (
	instrument_id: number,
	symbol: string | null,
	publishers: number[]
): Instrument => ({
	instrument_id,
	symbol,
	records: 50,
	publishers: publishers.map((id) => ({
		publisher_id: id,
		publisher: `VENUE.${id}`,
		records: 25
	}))
});

const TAPES = [tape('demo-1a'), tape('clx5-2b')];
const INSTRUMENTS = [instrument(7, 'ESM4', [1]), instrument(8, null, [1, 2])];
const REPLAYS = [
	replay(),
	replay({ id: 'replay-2', tape: 'clx5-2b' }),
	replay({ id: 'replay-3', default: false, when_unwatched: 'end' })
];

interface Made {
	search?: string;
	tapes?: Tape[];
	/** May be changed while the service runs. */
	replays?: ReplayState[];
	/** Answers that come before any good one. */
	failures?: number[];
	instruments?: (path: string, response: ServerResponse) => void;
	/** Answers who wants a replay of their own. */
	create?: (asked: unknown, response: ServerResponse) => void;
	stream?: (path: string, response: ServerResponse) => void;
}

/** A desk before a service that has the tapes. */
async function desk({
	search = '',
	tapes = TAPES,
	replays = REPLAYS,
	failures = [],
	instruments = (_, response) => sendJson(response, INSTRUMENTS),
	create = (_, response) => sendJson(response, replay({ id: 'replay-4', default: false }), 201),
	stream = (path, response) => {
		const id = path.split('/')[4];
		const followed = replays.find((each) => each.id === id);
		if (followed) openEvents(response).write(state({ ...followed }) + event());
		else if (id === 'replay-4')
			openEvents(response).write(state({ id: 'replay-4', default: false }) + event());
		else sendJson(response, { detail: `no replay ${id}` }, 404);
	}
}: Made = {}) {
	service = await localService(({ pathname }, response, request) => {
		const failure = failures.shift();
		const named = tapes.find(({ id }) => pathname.endsWith(`/tapes/${id}`));
		if (failure !== undefined) sendJson(response, { detail: `failure ${failure}` }, failure);
		else if (request.method === 'POST')
			void text(request).then((asked) => create(JSON.parse(asked), response));
		else if (pathname.endsWith('/ready')) sendJson(response, { status: 'ready' });
		else if (pathname.endsWith('/tapes')) sendJson(response, tapes);
		else if (named) sendJson(response, named);
		else if (pathname.endsWith('/replays')) sendJson(response, replays);
		else if (pathname.endsWith('/instruments')) instruments(pathname, response);
		else stream(pathname, response);
	});
	link = directLink();
	const access = new Access(shelf);
	const board = new Board();
	const asked = new Service(service.root, () => access.key);
	const playback = new Playback({
		service: asked,
		link,
		access,
		board,
		hz: () => 20,
		onPaint: (paint) => paint()
	});
	const secondsBefore = () => 0;
	const opened = new Desk({ service: asked, playback, access, board, secondsBefore });
	const address = readAddress(new URLSearchParams(search));
	const started = opened.start(address);
	return { desk: opened, playback, address, access, board, started };
}

/** A desk that has what it asked for. */
async function open(made: Made = {}) {
	const all = await desk(made);
	await all.started;
	return all;
}

describe('Desk', () => {
	it('shows the first instrument of the first tape, as everybody sees it', async () => {
		const { desk: opened, playback } = await open();
		expect(opened.tapes).toHaveLength(2);
		expect(opened.address).toEqual({
			tape: 'demo-1a',
			instrument: 'ESM4',
			publisher: null,
			view: 'matched',
			replay: null
		});
		expect(opened.shared).toBe(true);
		expect(playback.state?.id).toBe('replay-1');
	});

	it('shows what the address says', async () => {
		const search = 'tape=demo-1a&instrument=8&publisher=VENUE.2&view=published&replay=replay-3';
		const { desk: opened, address, playback } = await open({ search });
		expect(opened.address).toEqual(address);
		expect(opened.publisher?.publisher_id).toBe(2);
		expect(opened.shared).toBe(false);
		expect(playback.state?.id).toBe('replay-3');
	});

	it('says what of an address is not here and shows what is', async () => {
		const { desk: opened, board } = await open({ search: 'tape=gone-3c' });
		expect(board.text).toBe('There is no tape “gone-3c” here.');
		expect(opened.tape?.id).toBe('demo-1a');
		opened.chooseInstrument('8');
		expect(board.text).toBeNull();
	});

	it('finds an instrument by symbol or id, and says when there is none', async () => {
		const { desk: opened, board } = await open({ search: 'instrument=NQM4' });
		expect(board.text).toBe('demo has no instrument “NQM4”.');
		expect(opened.instrument?.symbol).toBe('ESM4');
	});

	it.each(['replay-9', 'replay-2'])(
		'shows the shared replay where a link names %s, which is not of this tape',
		async (name) => {
			const { desk: opened, board } = await open({ search: `tape=demo-1a&replay=${name}` });
			expect(board.text).toBe(
				`“${name}” has ended. This is the replay that everybody shares.`
			);
			expect([opened.shared, opened.address?.replay]).toEqual([true, null]);
		}
	);

	it('shows the first instrument of a live tape once its first records have come', async () => {
		const growing = { ...tape('demo-1a'), growing: true, books: 0 };
		const instruments: Instrument[] = [];
		const { desk: opened, address } = await open({
			tapes: [growing],
			search: 'instrument=8',
			instruments: (_, response) => sendJson(response, instruments)
		});
		await opened.look(address);
		expect(opened.address).toBeNull();
		growing.books = instruments.push(...INSTRUMENTS);
		await opened.look(address);
		expect(opened.address?.instrument).toBe('8');
	});

	it('shows the first tape of a service that had none', async () => {
		const tapes: Tape[] = [];
		const { desk: opened, address } = await open({ tapes });
		await opened.look(address);
		expect(opened.tape).toBeNull();
		tapes.push(tape('demo-1a'));
		await opened.look(address);
		expect(opened.address?.tape).toBe('demo-1a');
	});

	it('names a publisher in the address only where there is a choice', async () => {
		const { desk: opened } = await open();
		opened.chooseInstrument('8');
		expect(opened.address).toMatchObject({ instrument: '8', publisher: 'VENUE.1' });
		opened.choosePublisher('2');
		expect(opened.address).toMatchObject({ instrument: '8', publisher: 'VENUE.2' });
	});

	it('forgets the instrument when another tape is chosen, and keeps the view', async () => {
		const { desk: opened, playback } = await open({ search: 'instrument=8&view=published' });
		const chosen = opened.chooseTape('clx5-2b');
		expect(opened.instruments).toEqual([]);
		await chosen;
		expect(opened.address).toMatchObject({
			tape: 'clx5-2b',
			instrument: 'ESM4',
			view: 'published'
		});
		expect(playback.state?.id).toBe('replay-2');
	});

	it('shows the other view of the same book', async () => {
		const { desk: opened, playback } = await open({ search: 'instrument=8' });
		opened.chooseView('published');
		expect(opened.address).toMatchObject({ instrument: '8', view: 'published' });
		await until(() => playback.depth !== null);
		expect(service.asked.at(-1)?.searchParams.get('view')).toBe('published');
	});

	it('goes on alone from the present moment, and comes back', async () => {
		const wanted = new Heard<unknown>();
		const { desk: opened, playback } = await open({
			create: (asked, response) => {
				wanted.tell(asked);
				sendJson(response, replay({ id: 'replay-4', default: false }), 201);
			}
		});
		await until(() => playback.depth !== null);
		await opened.leave();
		expect(wanted.all).toEqual([
			{
				tape: 'demo-1a',
				start: '1',
				playing: true,
				speed: 1,
				loop: true,
				longest_wait: 2,
				when_unwatched: 'end'
			}
		]);
		expect([opened.shared, opened.address?.replay]).toEqual([false, 'replay-4']);
		await opened.join();
		expect([opened.shared, opened.address?.replay]).toEqual([true, null]);
		expect(playback.state?.id).toBe('replay-1');
	});

	it('stays with the others where it may not go alone, and says why', async () => {
		const {
			desk: opened,
			board,
			access
		} = await open({
			create: (_, response) => sendJson(response, { detail: 'needs control' }, 403)
		});
		await opened.leave();
		expect(board.text).toBe('This key may watch what is played, but not control it.');
		expect([opened.shared, access.mayControl]).toEqual([true, false]);
	});

	it('says when there are as many replays as there may be', async () => {
		const { desk: opened, board } = await open({
			create: (_, response) => sendJson(response, { detail: 'all 8 replays are taken' }, 503)
		});
		await opened.leave();
		expect(board.text).toBe('all 8 replays are taken');
		expect(opened.shared).toBe(true);
	});

	it('goes back to the shared replay when its own has ended', async () => {
		const replays = [...REPLAYS];
		const { desk: opened, board } = await open({
			search: 'instrument=8&replay=replay-3',
			replays,
			stream: (path, response) => {
				const own = path.includes('replay-3');
				if (own) replays.pop();
				openEvents(response).write(
					own ? state({ id: 'replay-3' }) + bye('ended') : state()
				);
				if (own) response.end();
			}
		});
		await until(() => board.text !== null);
		expect(board.text).toBe('“replay-3” has ended. This is the replay that everybody shares.');
		expect(opened.address).toMatchObject({ instrument: '8', replay: null });
	});

	it('shows what is left when the tape was removed', async () => {
		const tapes = [...TAPES];
		const { desk: opened, board } = await open({
			tapes,
			stream: (path, response) => {
				const removed = path.includes('replay-1');
				if (removed) tapes.shift();
				openEvents(response).write(
					removed ? state() + bye('removed') : state({ id: 'replay-2', tape: 'clx5-2b' })
				);
				if (removed) response.end();
			}
		});
		await until(() => board.text !== null);
		expect(board.text).toBe('There is no tape “demo-1a” here.');
		expect(opened.tape?.id).toBe('clx5-2b');
	});

	it('shows nothing when the only tape was removed', async () => {
		const tapes = [tape('demo-1a')];
		const {
			desk: opened,
			board,
			playback
		} = await open({
			tapes,
			stream: (_, response) => {
				tapes.pop();
				openEvents(response).end(state() + bye('removed'));
			}
		});
		await until(() => board.text !== null);
		expect([opened.tape, opened.address, playback.link.name]).toEqual([null, null, 'closed']);
	});

	it('finds the tape’s replay again where names were given anew', async () => {
		const replays = [...REPLAYS];
		let restarted = false;
		const { desk: opened, playback } = await open({
			replays,
			stream: (path, response) => {
				if (restarted) {
					openEvents(response).write(state({ id: path.split('/')[4] }));
					return;
				}
				restarted = true;
				replays.splice(0, 1, replay({ id: 'replay-7' }));
				sendJson(response, { detail: 'no replay replay-1' }, 404);
			}
		});
		await until(() => playback.state?.id === 'replay-7');
		expect(opened.shared).toBe(true);
	});

	it('leaves a refusal as it is where the replay is there', async () => {
		const { playback } = await open({
			stream: (_, response) => sendJson(response, { detail: 'no such instrument' }, 404)
		});
		await until(() => playback.link.name === 'failed');
		expect(playback.link).toMatchObject({ why: 'no such instrument' });
	});

	it('finds tapes and instruments that came while it was open', async () => {
		const tapes = [...TAPES];
		const instruments = [...INSTRUMENTS];
		const { desk: opened } = await open({
			tapes,
			instruments: (_, response) => sendJson(response, instruments)
		});
		tapes.push(tape('live-9z'));
		instruments.push(instrument(9, 'NQM4', [1]));
		await opened.refresh();
		expect(opened.tapes?.map(({ id }) => id)).toEqual(['demo-1a', 'clx5-2b', 'live-9z']);
		opened.chooseInstrument('9');
		expect(opened.address).toMatchObject({ tape: 'demo-1a', instrument: 'NQM4' });
	});

	it('shows the tape that was chosen last, whichever answers first', async () => {
		const held = new Heard<() => void>();
		const { desk: opened } = await open({
			instruments: (pathname, response) => {
				if (pathname.includes('clx5'))
					held.tell(() => sendJson(response, [INSTRUMENTS[1]]));
				else sendJson(response, INSTRUMENTS);
			}
		});
		const first = opened.chooseTape('clx5-2b');
		const answerFirst = await held.next(() => true, 0);
		await opened.chooseTape('demo-1a');
		answerFirst();
		await first;
		expect(opened.address).toMatchObject({ tape: 'demo-1a', instrument: 'ESM4' });
		expect(opened.instruments).toHaveLength(2);
	});

	it('asks again by itself while the service is not ready', async () => {
		const { desk: opened } = await open({ failures: [503, 502] });
		expect(opened.tape?.id).toBe('demo-1a');
		expect(opened.trouble).toBeNull();
	});

	it('repeats a refusal in the words of the service, and asks again when told to', async () => {
		const { desk: opened, address } = await open({ failures: [403] });
		expect(opened.trouble).toEqual({ name: 'failed', why: 'failure 403', status: 403 });
		opened.retry(address);
		await until(() => opened.instrument !== null);
		expect(opened.trouble).toBeNull();
	});

	it('asks for a key, and goes on with it', async () => {
		const { desk: opened, access, started } = await desk({ failures: [401] });
		await until(() => access.wanted);
		access.give('bt_1');
		await started;
		expect(opened.tape?.id).toBe('demo-1a');
	});

	it('says what is missing where no key is given', async () => {
		const { desk: opened, access, started } = await desk({ failures: [401] });
		await until(() => access.wanted);
		access.dismiss();
		await started;
		expect(opened.trouble).toMatchObject({ name: 'failed', why: 'failure 401' });
	});

	it('knows a service without tapes from one that has not answered', async () => {
		const { desk: opened } = await open({ tapes: [] });
		expect(opened.tapes).toEqual([]);
		expect(opened.address).toBeNull();
	});
});
