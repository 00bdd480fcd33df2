import { test as base, type Locator, type Page } from '@playwright/test';
import type { ReplayState } from '../../src/lib/api/service';
import { CHROMIUM_MISSING, hasChromium } from './chromium';
import { DemoService } from './service';

export { expect } from '@playwright/test';

/** The page as its users know it. */
export class Desk {
	readonly status: Locator;
	readonly ladder: Locator;
	readonly position: Locator;
	readonly together: Locator;

	constructor(readonly page: Page) {
		this.status = page.getByTestId('status');
		this.ladder = page.getByRole('table', { name: /^Order book of/ });
		this.position = page.getByTestId('position');
		this.together = page.getByTestId('together');
	}

	/** Opens the page, or the page at an address, and waits until it shows a book. */
	async open(search = ''): Promise<void> {
		await this.page.goto(`/${search}`);
		await base.expect(this.prices('bid').first()).toHaveText(/\d/);
	}

	/** The price cells of one side, from the top down. */
	prices(side: 'bid' | 'ask'): Locator {
		return this.ladder.locator(`tr[data-side="${side}"] th`);
	}

	picker(name: 'Tape' | 'Instrument' | 'Publisher' | 'Speed'): Locator {
		return this.page.getByRole('combobox', { name: new RegExp(`^${name}:`) });
	}

	button(name: string): Locator {
		return this.page.getByRole('button', { name, exact: true });
	}

	/** Records before the moment that is shown. */
	async index(): Promise<number> {
		const text = (await this.position.textContent()) ?? '';
		return Number(text.split('/')[0]?.replaceAll(',', ''));
	}

	/** Stops the tape and goes to the moment after so many records. */
	async pauseAt(index: number): Promise<void> {
		await base.expect(this.status).toHaveText(/Playing|Paused/);
		if (await this.button('Pause').isVisible()) await this.page.keyboard.press('Space');
		await base.expect(this.status).toHaveText('Paused');
		await this.seek(index);
		await base.expect(this.status).toHaveText('Paused');
	}

	/** Goes to the moment after so many records, as the slider does. */
	async seek(index: number): Promise<void> {
		const heard = this.page.waitForResponse(
			(response) => response.request().method() === 'PATCH' && response.ok()
		);
		await this.page.getByRole('slider', { name: 'Position in the tape' }).fill(String(index));
		await heard;
		await base.expect.poll(() => this.index()).toBeGreaterThanOrEqual(index);
	}

	/** Waits until the tape has gone past a record. */
	async playsPast(index: number): Promise<void> {
		await base.expect.poll(() => this.index()).toBeGreaterThan(index);
	}
}

interface TestFixtures {
	needsBrowser: undefined;
	/** The page, which shows the tape's own replay: whatever a test does there, the next one finds. */
	desk: Desk;
	/** The page on a replay of the test's own, playing from the beginning. */
	own: Desk;
}

interface WorkerFixtures {
	/** Where the service is: the one that BOOKTAPE_URL names, or one started for the tests. */
	serviceUrl: string;
}

export const test = base.extend<TestFixtures, WorkerFixtures>({
	needsBrowser: [
		// eslint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from here
		async ({}, use, testInfo) => {
			testInfo.skip(!hasChromium, CHROMIUM_MISSING);
			await use(undefined);
		},
		{ auto: true }
	],
	serviceUrl: [
		// eslint-disable-next-line no-empty-pattern -- Playwright reads what a fixture needs from here
		async ({}, use) => {
			if (process.env.BOOKTAPE_URL) return use(process.env.BOOKTAPE_URL);
			const demo = new DemoService();
			await demo.start();
			await use(demo.url);
			await demo.stop();
		},
		{ scope: 'worker' }
	],
	baseURL: ({ serviceUrl }, use) => use(serviceUrl),
	desk: ({ page }, use) => use(new Desk(page)),
	own: async ({ page, request }, use) => {
		const made = await request.post('/api/v1/replays', {
			data: { loop: true, when_unwatched: 'pause' }
		});
		const { id, tape } = (await made.json()) as ReplayState;
		const desk = new Desk(page);
		await desk.open(`?tape=${tape}&replay=${id}`);
		await use(desk);
		await request.delete(`/api/v1/replays/${id}`);
	}
});
