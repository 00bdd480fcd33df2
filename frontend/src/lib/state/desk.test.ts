import type { ServerResponse } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { directLink } from '../../../tests/direct-link';
import { Heard } from '../../../tests/heard';
import {
	localService,
	openEvents,
	sendJson,
	type LocalService
} from '../../../tests/local-service';
import { until } from '../../../tests/until.svelte';
import { Service, type Instrument, type Tape } from '$lib/api/service';
import type { Link } from '$lib/stream/link';
import { readAddress } from './address';
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
	books: 2,
	other_records: {}
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

/** A desk before a service that has the tapes, or first answers with the given failures. */
async function desk(
	search = '',
	tapes = TAPES,
	failures: number[] = [],
	instruments = (_: string, response: ServerResponse) => sendJson(response, INSTRUMENTS)
) {
	service = await localService(({ pathname }, response) => {
		const failure = failures.shift();
		if (failure !== undefined) sendJson(response, { detail: `failure ${failure}` }, failure);
		else if (pathname.endsWith('/tapes')) sendJson(response, tapes);
		else if (pathname.endsWith('/instruments')) instruments(pathname, response);
		else openEvents(response).write(': heartbeat\n\n');
	});
	link = directLink();
	const asked = new Service(service.root);
	const playback = new Playback({
		service: asked,
		link,
		hz: () => 20,
		onPaint: (paint) => paint()
	});
	const opened = new Desk({ service: asked, playback, secondsBefore: () => 0 });
	const address = readAddress(new URLSearchParams(search));
	await opened.start(address);
	return { desk: opened, playback, address };
}

describe('Desk', () => {
	it('shows the first instrument of the first tape unless told otherwise', async () => {
		const { desk: opened } = await desk();
		expect(opened.tapes).toHaveLength(2);
		expect(opened.address).toEqual({
			tape: 'demo-1a',
			instrument: 'ESM4',
			publisher: null,
			speed: '1'
		});
	});

	it('shows what the address says', async () => {
		const search = 'tape=clx5-2b&instrument=8&publisher=VENUE.2&speed=10';
		const { desk: opened, playback, address } = await desk(search);
		expect(opened.address).toEqual(address);
		expect(opened.publisher?.publisher_id).toBe(2);
		expect(playback.speed).toBe('10');
	});

	it('says what of an address is not here and shows what is', async () => {
		const { desk: opened } = await desk('tape=gone-3c');
		expect(opened.notice).toBe('There is no tape “gone-3c” here.');
		expect(opened.tape?.id).toBe('demo-1a');
		opened.chooseInstrument('8');
		expect(opened.notice).toBeNull();
	});

	it('finds an instrument by symbol or id, and says when there is none', async () => {
		const { desk: opened } = await desk('instrument=NQM4');
		expect(opened.notice).toBe('demo has no instrument “NQM4”.');
		expect(opened.instrument?.symbol).toBe('ESM4');
	});

	it('names a publisher in the address only where there is a choice', async () => {
		const { desk: opened } = await desk();
		opened.chooseInstrument('8');
		expect(opened.address).toMatchObject({ instrument: '8', publisher: 'VENUE.1' });
		opened.choosePublisher('2');
		expect(opened.address).toMatchObject({ instrument: '8', publisher: 'VENUE.2' });
	});

	it('forgets the instrument when another tape is chosen', async () => {
		const { desk: opened } = await desk('instrument=8');
		const chosen = opened.chooseTape('clx5-2b');
		expect(opened.instruments).toEqual([]);
		await chosen;
		expect(opened.address).toMatchObject({ tape: 'clx5-2b', instrument: 'ESM4' });
	});

	it('shows the tape that was chosen last, whichever answers first', async () => {
		const held = new Heard<() => void>();
		const { desk: opened } = await desk('', TAPES, [], (pathname, response) => {
			if (pathname.includes('clx5')) held.tell(() => sendJson(response, [INSTRUMENTS[1]]));
			else sendJson(response, INSTRUMENTS);
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
		const { desk: opened } = await desk('', TAPES, [503, 502]);
		expect(opened.tape?.id).toBe('demo-1a');
		expect(opened.trouble).toBeNull();
	});

	it('repeats a refusal in the words of the service, and asks again when told to', async () => {
		const { desk: opened, address } = await desk('', TAPES, [403]);
		expect(opened.trouble).toEqual({ name: 'failed', why: 'failure 403' });
		opened.retry(address);
		await until(() => opened.instrument !== null);
		expect(opened.trouble).toBeNull();
	});

	it('knows a service without tapes from one that has not answered', async () => {
		const { desk: opened } = await desk('', []);
		expect(opened.tapes).toEqual([]);
		expect(opened.address).toBeNull();
	});
});
