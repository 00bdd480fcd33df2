import type { Page } from '@playwright/test';
import type { Tape } from '../../src/lib/api/service';
import { Desk, expect, test } from './fixtures';
import { LoadingService } from './service';

let service: LoadingService;

test.beforeEach(async () => {
	service = new LoadingService();
	await service.start();
});

test.afterEach(() => service.stop());

/** Waits until the page has been told of so many tapes. */
const heardOf = (page: Page, count: number) =>
	page.waitForResponse(
		async (response) =>
			response.url().endsWith('/api/v1/tapes') &&
			((await response.json()) as Tape[]).length === count
	);

test('a service that still loads is waited for', async ({ page }) => {
	const desk = new Desk(page);
	const notice = page.getByRole('alert');
	await page.goto(service.url);
	await expect(notice).toContainText('The service is still loading. Trying again by itself.');
	service.load();
	await expect(desk.status).toHaveText('Playing');
	await expect(notice).toBeHidden();
});

test('a page keeps its tape when the service starts again and loads another one first', async ({
	page
}) => {
	const desk = new Desk(page);
	service.load();
	service.load();
	const tapes = async () => (await (await fetch(`${service.url}/api/v1/tapes`)).json()) as Tape[];
	await expect.poll(async () => (await tapes()).length).toBe(2);
	await page.goto(service.url);
	await desk.picker('Tape').click();
	await page.getByRole('option').nth(1).click();
	await expect(desk.picker('Tape')).toHaveText('synthetic-20000x1-seed1');
	await expect(desk.status).toHaveText('Playing');

	await service.stop();
	await service.start();
	const told = heardOf(page, 1);
	service.load();
	await told;
	await expect(page.getByRole('alert')).toContainText('still loading');
	service.load();
	await expect(desk.status).toHaveText('Playing', { timeout: 20_000 });
	await expect(desk.picker('Tape')).toHaveText('synthetic-20000x1-seed1');
	await expect(page.getByRole('alert')).toBeHidden();
});
