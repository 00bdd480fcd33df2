import { expect, test } from './fixtures';

test('a pause stops at a record, and play goes on from it', async ({ desk, page }) => {
	await desk.open();
	await page.getByRole('button', { name: 'Pause' }).click();
	await expect(desk.status).toHaveText('Paused');
	const index = await desk.index();
	const asked = page.waitForRequest(/\/depth\?/);
	await page.getByRole('button', { name: 'Play', exact: true }).click();
	expect(new URL((await asked).url()).searchParams.get('from')).toBe(String(index));
	await expect(desk.status).toHaveText('Playing');
	await desk.playsPast(index);
});

test('keys play, pause and change the speed', async ({ desk, page }) => {
	await desk.open();
	await page.keyboard.press('Space');
	await expect(desk.status).toHaveText('Paused');
	await page.keyboard.press('Space');
	await expect(desk.status).toHaveText('Playing');
	await page.keyboard.press(']');
	await expect(desk.picker('Speed')).toHaveText('2×');
	await page.keyboard.press('[');
	await page.keyboard.press('[');
	await expect(desk.picker('Speed')).toHaveText('0.5×');
	await expect(page).toHaveURL(/speed=0.5/);
});

test('a button that has the focus keeps the space bar for itself', async ({ desk, page }) => {
	await desk.open();
	await page.getByRole('button', { name: 'Pause' }).focus();
	await page.keyboard.press('Space');
	await expect(desk.status).toHaveText('Paused');
});

test('the slider moves through the tape, also during a pause', async ({ desk }) => {
	await desk.open();
	await desk.pauseAt(100_000);
	await expect(desk.prices('bid').first()).toHaveText(/\d/);
});

test('the tape begins again when it is over', async ({ desk, page }) => {
	await desk.open();
	const total = Number(await page.getByRole('slider').getAttribute('max'));
	await page.getByRole('slider').fill(String(total - 1));
	await expect.poll(() => desk.index()).toBeLessThan(total / 2);
	await expect(desk.status).toHaveText('Playing');
});

test('as fast as it goes, the page still answers', async ({ desk, page }) => {
	await desk.open('?speed=max');
	await desk.playsPast(0);
	await page.keyboard.press('Space');
	await expect(desk.status).toHaveText('Paused');
});

test('whoever asked for less motion gets fewer frames', async ({ desk, page }) => {
	await page.emulateMedia({ reducedMotion: 'reduce' });
	const asked = page.waitForRequest(/\/depth\?/);
	await desk.open();
	expect(new URL((await asked).url()).searchParams.get('hz')).toBe('4');
});
