import { test as base, type Locator, type Page } from '@playwright/test';
import { CHROMIUM_MISSING, hasChromium } from './chromium';
import { DemoService } from './service';

export { expect } from '@playwright/test';

/** The page as its users know it. */
export class Desk {
	readonly status: Locator;
	readonly ladder: Locator;
	readonly position: Locator;

	constructor(readonly page: Page) {
		this.status = page.getByTestId('status');
		this.ladder = page.getByRole('table', { name: /^Order book of/ });
		this.position = page.getByTestId('position');
	}

	/** Opens the page, or the page at an address, and waits until it plays. */
	async open(search = ''): Promise<void> {
		await this.page.goto(`/${search}`);
		await base.expect(this.status).toHaveText('Playing');
		await base.expect(this.prices('bid').first()).toHaveText(/\d/);
	}

	/** The price cells of one side, from the top down. */
	prices(side: 'bid' | 'ask'): Locator {
		return this.ladder.locator(`tr[data-side="${side}"] th`);
	}

	picker(name: 'Tape' | 'Instrument' | 'Publisher' | 'Speed'): Locator {
		return this.page.getByRole('combobox', { name: new RegExp(`^${name}:`) });
	}

	/** Records applied to the book on the screen. */
	async index(): Promise<number> {
		const text = (await this.position.textContent()) ?? '';
		return Number(text.split('/')[0]?.replaceAll(',', ''));
	}

	/** Stops the tape and shows the book after so many records. */
	async pauseAt(index: number): Promise<void> {
		await this.page.keyboard.press('Space');
		await base.expect(this.status).toHaveText('Paused');
		await this.page.getByRole('slider', { name: 'Position in the tape' }).fill(String(index));
		await base.expect.poll(() => this.index()).toBe(index);
		await base.expect(this.status).toHaveText('Paused');
	}

	/** Waits until the tape has gone past a record. */
	async playsPast(index: number): Promise<void> {
		await base.expect.poll(() => this.index()).toBeGreaterThan(index);
	}
}

interface WorkerFixtures {
	/** Where the service is: the one that BOOKTAPE_URL names, or one started for the tests. */
	serviceUrl: string;
}

export const test = base.extend<{ desk: Desk; needsBrowser: undefined }, WorkerFixtures>({
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
	desk: ({ page }, use) => use(new Desk(page))
});
