import { gzipSync } from 'node:zlib';
import type { Page } from '@playwright/test';
import type { ReplayState, Tape } from '../../src/lib/api/service';
import { Desk, test } from '../e2e/fixtures';
import { DemoService } from '../e2e/service';

const RECORDS_A_SECOND = 50_000;
const SECONDS = 15;

interface Counted {
	readonly seconds: number;
	/** Times that the screen was painted. */
	readonly paints: number;
	/** Of these, with another book than before. */
	readonly books: number;
	/** The longest time between two paints, milliseconds. */
	readonly longest: number;
}

/** Counts what is painted for so many seconds, where the page itself is asked before each paint. */
function count(page: Page, seconds: number): Promise<Counted> {
	return page.evaluate(
		(wanted) =>
			new Promise<Counted>((resolve) => {
				const shown = document.querySelector('[data-testid="position"]');
				const began = performance.now();
				let [paints, books, longest, last, text] = [0, 0, 0, began, ''];
				const look = (now: number): void => {
					paints += 1;
					longest = Math.max(longest, now - last);
					last = now;
					const said = shown?.textContent ?? '';
					if (said !== text) books += 1;
					text = said;
					const seconds = (now - began) / 1000;
					if (seconds < wanted) requestAnimationFrame(look);
					else resolve({ seconds, paints, books, longest });
				};
				requestAnimationFrame(look);
			}),
		seconds
	);
}

test('frames a second at 50,000 records a second', async ({ page }) => {
	const service = new DemoService({}, ['--messages', '2000000']);
	await service.start();
	const [tape] = (await (await fetch(`${service.url}/api/v1/tapes`)).json()) as [Tape];
	const spans = Number(BigInt(tape.end ?? 0) - BigInt(tape.start ?? 0)) / 1e9;
	const speed = (RECORDS_A_SECOND * spans) / tape.records;
	const made = await fetch(`${service.url}/api/v1/replays`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ start: String(tape.records / 4), speed, loop: true })
	});
	const { id } = (await made.json()) as ReplayState;
	const cdp = await page.context().newCDPSession(page);
	// The processor's time of the main thread, so that whatever else the machine does is not in it.
	await cdp.send('Performance.enable', { timeDomain: 'threadTicks' });
	const busy = async () =>
		(await cdp.send('Performance.getMetrics')).metrics.find(
			({ name }) => name === 'TaskDuration'
		)?.value ?? NaN;
	const desk = new Desk(page);
	await page.goto(`${service.url}/?tape=${tape.id}&replay=${id}`);
	await desk.playsPast(tape.records / 4 + RECORDS_A_SECOND);
	const [index, before] = [await desk.index(), await busy()];
	const { seconds, paints, books, longest } = await count(page, SECONDS);
	const rate = ((await desk.index()) - index) / seconds;
	const used = (await busy()) - before;
	console.log(
		[
			`${Math.round(rate).toLocaleString('en-US')} records a second`,
			`${(paints / seconds).toFixed(1)} paints a second, the longest wait ${longest.toFixed(0)} ms`,
			`${(books / seconds).toFixed(1)} of them with another book`,
			`${((1000 * used) / paints).toFixed(1)} ms of the main thread’s processor time a paint`
		].join('\n')
	);
	await service.stop();
});

test('bytes of the page', async ({ page, serviceUrl }) => {
	const bodies: Promise<Buffer>[] = [];
	page.on('response', (response) => {
		if (!response.url().includes('/api/')) bodies.push(response.body());
	});
	await new Desk(page).open();
	const files = await Promise.all(bodies);
	const sum = (sizes: number[]) => sizes.reduce((all, size) => all + size, 0);
	console.log(
		`${files.length} files of ${serviceUrl}: ${sum(files.map((file) => file.length))} bytes, ` +
			`${sum(files.map((file) => gzipSync(file).length))} gzipped`
	);
});
