import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Page } from '@playwright/test';
import { expect, test } from './fixtures';

/** What the browser complains of: scripts, styles or connections that the headers do not allow, and errors. */
function complaints(page: Page): string[] {
	const heard: string[] = [];
	page.on('console', (message) => {
		if (['error', 'warning'].includes(message.type())) heard.push(message.text());
	});
	page.on('pageerror', (error) => heard.push(String(error)));
	return heard;
}

test('the page does nothing that its headers forbid', async ({ desk, page }) => {
	const heard = complaints(page);
	await desk.open();
	await page.keyboard.press('?');
	await expect(page.getByRole('dialog')).toBeVisible();
	expect(heard).toEqual([]);
});

test('neither does the documentation, which can try a route', async ({ page }) => {
	const heard = complaints(page);
	await page.goto('/docs');
	const operation = page.locator('#operations-tapes-listTapes');
	await operation.locator('.opblock-summary-control').click();
	await operation.getByRole('button', { name: 'Try it out' }).click();
	await operation.getByRole('button', { name: 'Execute' }).click();
	await expect(
		operation.locator('.live-responses-table .response .response-col_status')
	).toContainText('200');
	await expect(page.getByRole('button', { name: 'Authorize' })).toBeVisible();
	expect(heard).toEqual([]);
});

test('the page of another site cannot read the service, nor embed it', async ({
	page,
	serviceUrl
}) => {
	const another = createServer((_, response) => response.end('<title>another site</title>'));
	await once(another.listen(0, '127.0.0.1'), 'listening');
	await page.goto(`http://localhost:${(another.address() as AddressInfo).port}`);
	const read = page.evaluate(
		async (url) => (await fetch(`${url}/api/v1/tapes`)).status,
		serviceUrl
	);
	await expect(read).rejects.toThrow('Failed to fetch');
	const kept = page.waitForEvent(
		'requestfailed',
		(asked) => asked.url() === `${serviceUrl}/favicon.svg`
	);
	await page.evaluate((url) => {
		new Image().src = `${url}/favicon.svg`;
	}, serviceUrl);
	expect((await kept).failure()?.errorText).toMatch(/BLOCKED/);
	another.close();
	another.closeAllConnections();
});
