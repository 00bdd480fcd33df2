import type { Page } from '@playwright/test';
import type { ReplayState, Tape } from '../../src/lib/api/service';
import { expect, test } from './fixtures';
import { DemoService } from './service';
import { Wire } from './wire';

/** What a page notes of the events that it hears. */
interface Note {
	readonly type: string;
	readonly id: string;
	/** Indexes of an event's first and last record. */
	readonly first: number;
	readonly last: number;
}

let service: DemoService;

// A browser waits some seconds before it comes back.
test.setTimeout(90_000);

test.beforeEach(async () => {
	service = new DemoService();
	await service.start();
});

test.afterEach(() => service.stop());

/** Follows a stream with the browser's own `EventSource`, which comes back by itself. */
async function follow(page: Page, root: string, path: string): Promise<void> {
	await page.goto(`${root}/docs`);
	await page.evaluate((url) => {
		const notes: Note[] = [];
		Object.assign(window, { notes });
		const source = new EventSource(url);
		source.onmessage = ({ data, lastEventId }: MessageEvent<string>) => {
			const records = JSON.parse(data) as [number][];
			const [first, last] = [records[0]?.[0] ?? NaN, records.at(-1)?.[0] ?? NaN];
			notes.push({ type: 'records', id: lastEventId, first, last });
		};
		for (const type of ['jump', 'bye']) {
			source.addEventListener(type, ({ data, lastEventId }: MessageEvent<string>) => {
				const { index } = JSON.parse(data) as { index: number };
				notes.push({ type, id: lastEventId, first: index, last: index });
			});
		}
	}, path);
}

const notesOf = (page: Page) => page.evaluate(() => (window as unknown as { notes: Note[] }).notes);

/** Waits until the page has heard of so many records since the nth note, and returns all notes. */
async function heard(page: Page, records: number, since = 0): Promise<Note[]> {
	const count = async () =>
		(await notesOf(page))
			.slice(since)
			.filter(({ type }) => type === 'records')
			.reduce((sum, { first, last }) => sum + last - first + 1, 0);
	await expect.poll(count, { timeout: 20_000 }).toBeGreaterThan(records);
	return notesOf(page);
}

/** Every record follows the one before; a jump, and nothing else, leads elsewhere. Ids say what comes next. */
function expectNoGap(notes: readonly Note[]): void {
	let next: number | null = null;
	for (const { type, id, first, last } of notes) {
		if (next !== null && type === 'records') expect(first).toBe(next);
		next = type === 'records' ? last + 1 : first;
		expect(Number(id.split(':').at(-1))).toBe(next);
	}
}

test('a stream of a tape goes on after the service was started again', async ({ page }) => {
	const tapes = (await (await fetch(`${service.url}/api/v1/tapes`)).json()) as Tape[];
	await follow(page, service.url, `/api/v1/tapes/${tapes[0]?.id}/stream?speed=1`);
	const before = (await heard(page, 2_000)).length;
	await service.stop();
	await service.start();
	const notes = await heard(page, 2_000, before + 50);
	expect(notes[0]?.first).toBe(0);
	expectNoGap(notes);
	expect(notes.filter(({ type }) => type === 'bye')).toHaveLength(1);
	expect(notes.some(({ type }) => type === 'jump')).toBe(false);
});

test('a stream of a replay goes on after a cut, and tells where a new service begins', async ({
	page
}) => {
	const wire = new Wire(service.url);
	const root = await wire.open();
	try {
		const replays = (await (await fetch(`${root}/api/v1/replays`)).json()) as ReplayState[];
		await follow(page, root, `/api/v1/replays/${replays[0]?.id}/stream`);
		const before = (await heard(page, 2_000)).length;
		wire.cut();
		const after = (await heard(page, 2_000, before + 50)).length;
		await service.stop();
		await service.start();
		const notes = await heard(page, 2_000, after + 50);
		expectNoGap(notes);
		const named = notes.filter(({ type }) => type !== 'records');
		expect(named.map(({ type }) => type)).toEqual(['bye', 'jump']);
		const epochs = new Set(notes.map(({ id }) => id.split(':')[0]));
		expect(epochs.size).toBe(2);
	} finally {
		await wire.close();
	}
});
