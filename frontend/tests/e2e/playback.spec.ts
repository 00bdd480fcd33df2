import { expect, test } from './fixtures';

test('a pause stops at a record, and play goes on from it', async ({ own }) => {
	await own.button('Pause').click();
	await expect(own.status).toHaveText('Paused');
	const index = await own.index();
	await own.button('Play').click();
	await expect(own.status).toHaveText('Playing');
	await own.playsPast(index);
});

test('keys play, pause and change the speed', async ({ own, page }) => {
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Paused');
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Playing');
	await page.keyboard.press(']');
	await expect(own.picker('Speed')).toHaveText('2×');
	await page.keyboard.press('[');
	await page.keyboard.press('[');
	await expect(own.picker('Speed')).toHaveText('0.5×');
});

test('a button that has the focus keeps the space bar for itself', async ({ own, page }) => {
	await own.button('Pause').focus();
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Paused');
});

test('a button that was clicked leaves the space bar to the tape', async ({ own, page }) => {
	await own.button('Published').click();
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Paused');
	await own.picker('Speed').click();
	await page.getByRole('option', { name: '5×', exact: true }).click();
	await expect(own.picker('Speed')).toHaveText('5×');
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Playing');
});

test('the slider moves through the tape, also during a pause', async ({ own }) => {
	await own.pauseAt(100_000);
	await expect(own.position).toContainText('100,000 / 200,000');
	await expect(own.prices('bid').first()).toHaveText(/\d/);
});

test('arrows step an event of the book on and back', async ({ own, page }) => {
	await own.pauseAt(100_000);
	await page.keyboard.press('ArrowRight');
	await own.playsPast(100_000);
	const on = await own.index();
	await page.keyboard.press('ArrowRight');
	await own.playsPast(on);
	await page.keyboard.press('ArrowLeft');
	await expect.poll(() => own.index()).toBe(on);
	await own.button('An event back').click();
	await expect.poll(() => own.index()).toBeLessThanOrEqual(100_000);
	await expect(own.status).toHaveText('Paused');
});

test('arrows with shift step from trade to trade', async ({ own, page }) => {
	await own.pauseAt(100_000);
	await page.keyboard.press('Shift+ArrowRight');
	await own.playsPast(100_000);
	const first = await own.index();
	await page.keyboard.press('Shift+ArrowRight');
	await own.playsPast(first);
	await page.keyboard.press('Shift+ArrowLeft');
	await expect.poll(() => own.index()).toBe(first);
	await expect(page.getByTestId('last-trade')).toHaveText(/\d/);
});

test('the tape goes to a clock time, and says in place what it cannot do', async ({
	own,
	page
}) => {
	await own.pauseAt(100_000);
	await page.keyboard.press('g');
	const dialog = page.getByRole('dialog', { name: 'Go to' });
	const moment = dialog.getByLabel('Time or index');
	await expect(moment).toBeFocused();
	await page.keyboard.type('23:59');
	await page.keyboard.press('Enter');
	await expect(dialog.getByRole('alert')).toContainText('outside the tape');
	await moment.fill('08:00:05.5');
	await page.keyboard.press('Enter');
	await expect(dialog).toBeHidden();
	await expect(page.getByTestId('time')).toContainText('08:00:05.');
	await page.getByTestId('time').click();
	await moment.fill('12,345');
	await dialog.getByRole('button', { name: 'Go' }).click();
	await expect(dialog).toBeHidden();
	await expect.poll(() => own.index()).toBe(12_345);
});

test('the tape begins again when it is over', async ({ own, page }) => {
	const total = Number(await page.getByRole('slider').getAttribute('max'));
	await own.seek(total - 1);
	await expect.poll(() => own.index()).toBeLessThan(total / 2);
	await expect(own.status).toHaveText('Playing');
});

test('as fast as it goes, the page still answers', async ({ own, page }) => {
	await own.picker('Speed').click();
	await page.getByRole('option', { name: 'Max' }).click();
	await own.playsPast(20_000);
	await page.keyboard.press('Space');
	await expect(own.status).toHaveText('Paused');
});

test('whoever asked for less motion gets fewer frames', async ({ desk, page }) => {
	await page.emulateMedia({ reducedMotion: 'reduce' });
	const asked = page.waitForRequest(/\/depth\?/);
	await desk.open();
	expect(new URL((await asked).url()).searchParams.get('hz')).toBe('4');
});
