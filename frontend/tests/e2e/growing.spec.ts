import { Desk, expect, test } from './fixtures';
import { GrowingService } from './service';

test('a tape that grows is followed at its head, left, and found again', async ({ page }) => {
	const service = new GrowingService();
	await service.start();
	try {
		const desk = new Desk(page);
		const live = page.getByTestId('live');
		await page.goto(service.url);
		await desk.seek(19_990);
		await expect(live).toHaveText('Live');
		await expect(desk.position).toHaveText('20,000 / 20,000');
		service.growTo(21_000);
		await expect(desk.position).toHaveText('21,000 / 21,000');

		await desk.pauseAt(500);
		await expect(live).toBeHidden();
		await desk.button('To the head').click();
		await expect(live).toBeVisible();
		await expect(desk.position).toHaveText('21,000 / 21,000');

		await desk.seek(500);
		await expect(live).toBeHidden();
		await page.keyboard.press('e');
		await expect(live).toBeVisible();
		service.growTo(25_000);
		await expect(desk.position).toHaveText('25,000 / 25,000');
		await expect(desk.status).toHaveText('Playing');
	} finally {
		await service.stop();
	}
});

test('records that are missing are marked where they are, also while one looks', async ({
	page
}) => {
	const service = new GrowingService();
	await service.start();
	try {
		const desk = new Desk(page);
		await page.goto(service.url);
		await expect(desk.position).toContainText('/ 20,000');
		service.tell('gap');
		service.growTo(25_000);
		await expect(desk.position).toContainText('25,000 · 1 gap');
		await expect(page.getByTestId('gap')).toBeVisible();
		await desk.seek(24_000);
		await expect(page.getByTestId('badge')).toContainText(
			'records before record 20000 are missing'
		);
		await desk.seek(19_000);
		await expect(page.getByTestId('badge')).toBeHidden();
	} finally {
		await service.stop();
	}
});

test('a tape without records is shown as soon as they come', async ({ page }) => {
	const service = new GrowingService(0);
	await service.start();
	try {
		const desk = new Desk(page);
		const notice = page.getByRole('alert');
		await page.goto(service.url);
		await expect(notice).toHaveText(
			'grows has no records yet. It is shown as soon as they come.'
		);
		service.growTo(20_000);
		await expect(desk.position).toContainText('/ 20,000');
		await expect(notice).toBeHidden();
	} finally {
		await service.stop();
	}
});
