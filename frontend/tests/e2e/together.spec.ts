import { Desk, expect, test } from './fixtures';

test('whoever looks at a tape sees the same moment, and one pause is for all', async ({
	desk,
	page,
	context
}) => {
	const other = new Desk(await context.newPage());
	await desk.open();
	await other.open();
	await expect(other.together).toHaveText(/2 watching/);
	await desk.pauseAt(50_000);
	await expect(other.status).toHaveText('Paused');
	await expect.poll(() => other.index()).toBe(50_000);
	expect(await other.ladder.innerText()).toBe(await desk.ladder.innerText());
	await other.page.keyboard.press(']');
	await expect(desk.picker('Speed')).toHaveText('2×');
	await other.page.keyboard.press('[');
	await page.keyboard.press('Space');
	await expect(other.status).toHaveText('Playing');
	await other.playsPast(50_000);
});

test('on one’s own, the others stay where they are, and the way back leads to them', async ({
	desk,
	page,
	context,
	request
}) => {
	const others = new Desk(await context.newPage());
	await others.open();
	await desk.open();
	await desk.button('On my own').click();
	await expect(desk.together).toHaveText(/On your own/);
	await expect(page).toHaveURL(/replay=replay-\d+/);
	await desk.pauseAt(30_000);
	await expect(others.status).toHaveText('Playing');

	// Whoever is given the link sees the same.
	const link = new URL(page.url());
	await others.page.goto(link.href);
	await expect(others.status).toHaveText('Paused');
	await expect.poll(() => others.index()).toBe(30_000);

	await desk.button('Back to shared').click();
	await expect(desk.together).toHaveText(/watching/);
	await expect(desk.status).toHaveText('Playing');
	await expect(page).not.toHaveURL(/replay=/);

	// Who is still there when it ends goes back, too, and is told.
	await request.delete(`/api/v1/replays/${link.searchParams.get('replay')}`);
	await expect(others.page.getByRole('alert')).toContainText('has ended');
	await expect(others.status).toHaveText('Playing');
	await expect(others.page).not.toHaveURL(/replay=/);
});

test('a link to a replay that is gone shows the shared one and says so', async ({ desk, page }) => {
	await desk.open('?replay=replay-999');
	await expect(page.getByRole('alert')).toContainText('“replay-999” has ended.');
	await expect(desk.together).toHaveText(/watching/);
	await expect(page).not.toHaveURL(/replay=/);
});
