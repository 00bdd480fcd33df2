import { expect, test } from './fixtures';

test('prices move', async ({ own, page }) => {
	await own.seek(50_000);
	await own.playsPast(await own.index());
	const before = await own.ladder.innerText();
	await expect.poll(() => own.ladder.innerText()).not.toBe(before);
	await expect(page.getByTestId('last-trade')).toHaveText(/\d/);
});

test('the ladder has ten levels a side, best prices at the spread', async ({ own: desk }) => {
	await desk.pauseAt(100_000);
	const numbers = async (side: 'bid' | 'ask') =>
		(await desk.prices(side).allInnerTexts()).map((text) => Number.parseFloat(text));
	const asks = await numbers('ask');
	const bids = await numbers('bid');
	expect([asks.length, bids.length]).toEqual([10, 10]);
	const stacked = [...asks, ...bids];
	expect(stacked).toEqual(stacked.toSorted((a, b) => b - a));
	expect(new Set(stacked).size).toBe(20);
});

test('the screen shows what the service says, to the last digit', async ({
	own: desk,
	page,
	request
}) => {
	await desk.pauseAt(123_456);
	const query = new URL(page.url()).searchParams;
	const stream = await request.get(`/api/v1/tapes/${query.get('tape')}/depth`, {
		params: {
			instrument: query.get('instrument') ?? '',
			from: 123_456,
			speed: 'max'
		}
	});
	const first = /^data: (.*)$/m.exec(await stream.text())?.[1] ?? '';
	const said = JSON.parse(first) as Record<'bids' | 'asks', [string, number, number][]>;
	const shown = (await desk.ladder.locator('tr[data-side]').allInnerTexts()).map((row) =>
		row.split(/\s+/).filter(Boolean)
	);
	const exact = (price: string) => price.replace(/(\d{9})$/, '.$1');
	const written = (price: string | undefined) => {
		const [units = '', decimals = ''] = (price ?? '').split('.');
		return `${units}.${decimals.padEnd(9, '0')}`;
	};
	const grouped = (count: number) => count.toLocaleString('en-US');
	const asks = shown.slice(0, 10).map(([price, size, count]) => [written(price), size, count]);
	const bids = shown.slice(10).map(([count, size, price]) => [written(price), size, count]);
	const expected = (levels: [string, number, number][]) =>
		levels.map(([price, size, count]) => [exact(price), grouped(size), grouped(count)]);
	expect(asks).toEqual(expected(said.asks).toReversed());
	expect(bids).toEqual(expected(said.bids));
});

test('another instrument is a choice away', async ({ desk, page }) => {
	await desk.open();
	const heading = page.getByRole('heading', { level: 2 });
	const first = await heading.textContent();
	await desk.picker('Instrument').click();
	const options = page.getByRole('option');
	await expect(options).toHaveCount(4);
	const second = options.nth(1);
	const name = (await second.locator('span').nth(1).textContent()) ?? '';
	await second.click();
	await expect(heading).toHaveText(name);
	expect(name).not.toBe(first);
	await expect(page).toHaveURL(new RegExp(`instrument=${name}`));
	await expect(desk.prices('bid').first()).toHaveText(/\d/);
	await expect(page).toHaveTitle(`${name} · booktape`);
});

test('a crossed book is shown as matched, or as it was published', async ({ own: desk, page }) => {
	await desk.pauseAt(17_000);
	await expect(page.getByTestId('badge').first()).toContainText('Crossed');
	const spread = page.getByTestId('spread');
	await expect(spread).toHaveText(/^\d/);
	await desk.button('Published').click();
	await expect(spread).toHaveText(/^−/);
	await expect(page).toHaveURL(/view=published/);
	await page.keyboard.press('v');
	await expect(spread).toHaveText(/^\d/);
	await expect(page).not.toHaveURL(/view=/);
});

test('the address says what is shown, and shows it again', async ({ own: desk, page }) => {
	await desk.pauseAt(100_000);
	await desk.picker('Instrument').click();
	await page.getByRole('option').nth(2).click();
	await page.keyboard.press('v');
	await expect(page).toHaveURL(/instrument=.*view=published/);
	const name = await page.getByRole('heading', { level: 2 }).textContent();
	await page.reload();
	await expect(page.getByRole('heading', { level: 2 })).toHaveText(name ?? '');
	await expect(desk.button('Published')).toHaveAttribute('aria-pressed', 'true');
	await expect(desk.position).toContainText('100,000 /');
});

test('an address of what is not here says so and shows what is', async ({ desk, page }) => {
	await desk.open('?tape=no-such-tape-00000000');
	const notice = page.getByRole('alert');
	await expect(notice).toContainText('There is no tape “no-such-tape-00000000” here.');
	await notice.getByRole('button', { name: 'Dismiss' }).click();
	await expect(notice).toBeHidden();
});
