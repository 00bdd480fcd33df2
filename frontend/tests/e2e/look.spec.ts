import AxeBuilder from '@axe-core/playwright';
import { Desk, expect, test } from './fixtures';
import { WideService } from './service';

for (const colorScheme of ['light', 'dark'] as const) {
	test.describe(`in the ${colorScheme} theme`, () => {
		test.use({ colorScheme });

		test('nothing keeps anyone out', async ({ own, page }) => {
			const flaws = async () => (await new AxeBuilder({ page }).analyze()).violations;
			// Still, so that nothing changes between what is found and what is checked.
			await own.pauseAt(17_000);
			expect(await flaws()).toEqual([]);
			await page.keyboard.press('?');
			await expect(page.getByRole('dialog')).toBeVisible();
			expect(await flaws()).toEqual([]);
			await page.keyboard.press('Escape');
			await page.keyboard.press('g');
			await page.getByLabel('Time or index').fill('never');
			await page.keyboard.press('Enter');
			await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible();
			expect(await flaws()).toEqual([]);
		});

		test('the theme is the system’s until one is chosen, and then stays', async ({
			desk,
			page
		}) => {
			const other = colorScheme === 'light' ? 'dark' : 'light';
			const background = () =>
				page.evaluate(() => getComputedStyle(document.body).backgroundColor);
			await desk.open();
			const system = await background();
			await page.getByRole('button', { name: new RegExp(`^${other} theme`, 'i') }).click();
			await expect.poll(background).not.toBe(system);
			const chosen = await background();
			await page.reload();
			expect(await background()).toBe(chosen);
		});
	});
}

test('help opens with its key and closes with Escape', async ({ own: desk, page }) => {
	await page.keyboard.press('?');
	const dialog = page.getByRole('dialog', { name: 'How to read this page' });
	await expect(dialog).toBeVisible();
	await page.keyboard.press('Space');
	await page.keyboard.press('Escape');
	await expect(dialog).toBeHidden();
	await expect(desk.status).toHaveText('Playing');
});

test.describe('on a phone', () => {
	test.use({ viewport: { width: 375, height: 812 }, hasTouch: true, isMobile: true });

	test('the whole ladder and the controls are on the screen at once', async ({
		own: desk,
		page
	}) => {
		const width = await page.evaluate(() => document.documentElement.scrollWidth);
		expect(width).toBe(375);
		const transport = await page.getByRole('region', { name: 'Playback' }).boundingBox();
		const ladder = await desk.ladder.boundingBox();
		expect((ladder?.y ?? NaN) + (ladder?.height ?? NaN)).toBeLessThanOrEqual(
			transport?.y ?? NaN
		);
		expect((transport?.y ?? NaN) + (transport?.height ?? NaN)).toBeLessThanOrEqual(812);
		await page.getByRole('button', { name: 'Pause' }).tap();
		await expect(desk.status).toHaveText('Paused');
	});

	test('long names and figures stay where they belong, and every digit is to be seen', async ({
		page
	}) => {
		const service = new WideService();
		await service.start();
		try {
			const desk = new Desk(page);
			await page.goto(service.url);
			await expect(desk.position).toHaveText('60 / 60');
			await expect(desk.prices('bid').last()).toHaveText('−1234567.123456799');
			const figures = desk.ladder
				.locator('[data-side] :is(td, th)')
				.filter({ hasText: /\d/ });
			const spilt = await figures.evaluateAll((cells) =>
				cells
					.filter((cell) => {
						const text = document.createRange();
						text.selectNodeContents(cell);
						const inner = text.getBoundingClientRect();
						const outer = cell.getBoundingClientRect();
						// A border that two cells share is half of each.
						return inner.left < outer.left - 1 || inner.right > outer.right + 1;
					})
					.map((cell) => cell.textContent)
			);
			expect(await figures.count()).toBe(60);
			expect(spilt).toEqual([]);
			const heading = await page.getByRole('heading', { level: 2 }).boundingBox();
			expect(heading?.height).toBeLessThan(30);
			await expect(desk.button('Published')).toBeInViewport({ ratio: 1 });
			await desk.picker('Tape').click();
			await expect(page.getByRole('option')).toBeInViewport({ ratio: 1 });
		} finally {
			await service.stop();
		}
	});
});
