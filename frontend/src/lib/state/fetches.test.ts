import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { localService, sendJson, type LocalService } from '../../../tests/local-service';
import { shelf } from '../../../tests/shelf';
import { Service, type Fetch } from '$lib/api/service';
import { Access } from './access.svelte';
import { Board } from './board.svelte';
import { Fetches } from './fetches.svelte';

const fetching = (more: Partial<Fetch> = {}): Fetch => ({
	id: 'fetch-1',
	state: 'fetching',
	dataset: 'GLBX.MDP3',
	symbols: ['ESM4'],
	start: '1',
	end: '2',
	cost: 0,
	records: 10,
	expected: 100,
	tape: null,
	problem: null,
	...more
});

let service: LocalService;
/** What the service says of them. */
let told: Fetch[];
/** How it answers who cancels one. */
let status: number;
let came: number;
let access: Access;
let board: Board;
let fetches: Fetches;

beforeEach(async () => {
	[told, status, came] = [[fetching()], 200, 0];
	service = await localService((_, response, request) => {
		if (request.method !== 'DELETE') return sendJson(response, told);
		if (status === 200) told = [fetching({ state: 'cancelled' })];
		sendJson(response, status === 200 ? told[0] : { detail: `answer ${status}` }, status);
	});
	access = new Access(shelf);
	board = new Board();
	const asked = new Service(service.root);
	fetches = new Fetches({ service: asked, access, board, onTape: () => (came += 1) });
});

afterEach(() => service.close());

const states = () => fetches.listed.map(({ state }) => state);

describe('Fetches', () => {
	it('tells of what ended before one looked nothing', async () => {
		told = [fetching({ state: 'done' }), fetching({ id: 'fetch-2', state: 'failed' })];
		await fetches.look();
		expect([states(), fetches.underWay, came]).toEqual([[], false, 0]);
	});

	it('tells once of a tape that has come, and keeps it until it is dismissed', async () => {
		await fetches.look();
		expect([states(), fetches.underWay]).toEqual([['fetching'], true]);
		told = [fetching({ state: 'done', tape: 'esm4-1a' })];
		await fetches.look();
		await fetches.look();
		expect([states(), fetches.underWay, came]).toEqual([['done'], false, 1]);
		fetches.dismiss('fetch-1');
		await fetches.look();
		expect(states()).toEqual([]);
	});

	it('keeps one that failed with why, and shows it again when it is gone on with', async () => {
		await fetches.look();
		told = [fetching({ state: 'failed', problem: 'the disk is full' })];
		await fetches.look();
		expect(fetches.listed[0]?.problem).toBe('the disk is full');
		fetches.dismiss('fetch-1');
		told = [fetching()];
		await fetches.look();
		expect(states()).toEqual(['fetching']);
	});

	it('cancels', async () => {
		await fetches.look();
		await fetches.cancel('fetch-1');
		expect([states(), board.text]).toEqual([[], null]);
	});

	it('says what a key may not, and that one has ended by itself', async () => {
		await fetches.look();
		status = 409;
		await fetches.cancel('fetch-1');
		expect([board.text, access.mayControl]).toEqual(['answer 409', true]);
		status = 403;
		await fetches.cancel('fetch-1');
		expect([access.mayControl, states()]).toEqual([false, ['fetching']]);
	});

	it('keeps what it knows while nobody answers', async () => {
		await fetches.look();
		await service.close();
		await fetches.look();
		expect(states()).toEqual(['fetching']);
	});
});
