import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import { Desk, expect, test } from './fixtures';
import { BOOKTAPE, StoringService } from './service';
import { Wire } from './wire';

/** Enough to know the price and to begin, and far less than all of it. */
const BEGINNING = 200_000;

let folder: string;
let upstream: StoringService;
let wire: Wire;
let service: StoringService;

test.setTimeout(90_000);

test.beforeEach(async () => {
	folder = await mkdtemp(join(tmpdir(), 'booktape-fetching-'));
	const file = join(folder, 'session.mbo.dbn.zst');
	await promisify(execFile)(BOOKTAPE, ['synth', file, '--messages', '200000']);
	upstream = new StoringService(join(folder, 'upstream'), [file]);
	await upstream.start();
	wire = new Wire(upstream.historical);
	service = new StoringService(join(folder, 'service'), [], {
		BOOKTAPE_HISTORICAL_UPSTREAM: (await wire.open()).replace('http:', 'https:'),
		REQUESTS_CA_BUNDLE: upstream.authority,
		DATABENTO_API_KEY: 'k'.repeat(32)
	});
	await service.start();
});

test.afterEach(async () => {
	wire.letGo();
	await service.stop();
	await wire.close();
	await upstream.stop();
	await rm(folder, { recursive: true });
});

/** Asks for the whole day. */
async function ask(): Promise<void> {
	const day = { start: '2026-01-05', end: '2026-01-06', max_cost: 0 };
	const asked = await fetch(`${service.url}/api/v1/tapes`, {
		method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ fetch: { dataset: 'GLBX.MDP3', symbols: ['ALL_SYMBOLS'], ...day } })
	});
	expect(asked.status).toBe(202);
}

test('a tape on its way is shown, cancelled, gone on with, and there', async ({ page }) => {
	const desk = new Desk(page);
	const fetches = page.getByRole('region', { name: 'Tapes on their way' });
	const name = 'ALL_SYMBOLS of GLBX.MDP3, 2026-01-05';
	wire.hold(BEGINNING);
	await ask();
	await page.goto(service.url);
	await expect(fetches).toContainText(name);
	await expect(fetches).toContainText(/[1-9][\d,]* of 200,000 records/);
	const progress = page.getByRole('progressbar', { name: `Fetching ${name}` });
	await expect(progress).toHaveAttribute('max', '200000');
	expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
	await desk.button(`Cancel: ${name}`).click();
	await expect(fetches).toBeHidden();

	wire.hold(BEGINNING);
	await ask();
	await page.reload();
	await expect(fetches).toContainText(/of 200,000 records/);
	wire.letGo();
	await expect(fetches).toContainText('200,000 records are there.');
	await desk.button(`Show: ${name}`).click();
	await expect(fetches).toBeHidden();
	await expect(desk.status).toHaveText('Playing');
	await expect(desk.position).toContainText('/ 200,000');
});
