import { Desk, expect, test } from './fixtures';
import { DemoService } from './service';

let service: DemoService;

test.beforeEach(async () => {
	service = new DemoService();
	await service.start();
});

test.afterEach(() => service.stop());

test('the page comes back by itself when the service does', async ({ page }) => {
	const desk = new Desk(page);
	await page.goto(service.url);
	await expect(desk.status).toHaveText('Playing');
	await desk.playsPast(500);
	await service.stop();
	await expect(desk.status).toHaveText('Reconnecting');
	await expect(page.getByRole('alert')).toContainText('Trying again by itself.');
	await service.start();
	await expect(desk.status).toHaveText('Playing', { timeout: 20_000 });
	await expect(page.getByRole('alert')).toBeHidden();
	await desk.playsPast(await desk.index());
});

test('a replay of one’s own ends with the service, and the page goes back to the shared one', async ({
	page
}) => {
	const desk = new Desk(page);
	await page.goto(service.url);
	await desk.button('On my own').click();
	await expect(desk.together).toHaveText(/On your own/);
	await service.stop();
	await service.start();
	await expect(page.getByRole('alert')).toContainText('has ended', { timeout: 20_000 });
	await expect(desk.together).toHaveText(/watching/);
	await expect(desk.status).toHaveText('Playing');
	await desk.playsPast(0);
});
