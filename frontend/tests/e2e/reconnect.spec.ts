import { Desk, expect, test } from './fixtures';
import { DemoService } from './service';

test('the page comes back by itself when the service does, where it was', async ({ page }) => {
	const service = new DemoService();
	await service.start();
	try {
		const desk = new Desk(page);
		await page.goto(service.url);
		await expect(desk.status).toHaveText('Playing');
		await page.keyboard.press(']');
		await desk.playsPast(500);
		await service.stop();
		await expect(desk.status).toHaveText('Reconnecting');
		await expect(page.getByRole('alert')).toContainText('Trying again by itself.');
		const index = await desk.index();
		await service.start();
		await expect(desk.status).toHaveText('Playing', { timeout: 20_000 });
		await expect(page.getByRole('alert')).toBeHidden();
		await desk.playsPast(index);
	} finally {
		await service.stop();
	}
});
