import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import AxeBuilder from '@axe-core/playwright';
import { Desk, expect, test } from './fixtures';
import { BOOKTAPE, DemoService } from './service';

interface NewKey {
	readonly key: string;
	readonly entry: object;
}

async function newKey(name: string, scope: 'read' | 'control'): Promise<NewKey> {
	const asked = ['keys', 'new', name, '--scope', scope, '--json'];
	const { stdout } = await promisify(execFile)(BOOKTAPE, asked);
	return JSON.parse(stdout) as NewKey;
}

test('a service with keys is watched with one, and controlled with another', async ({ page }) => {
	const [watcher, operator] = await Promise.all([
		newKey('watcher', 'read'),
		newKey('operator', 'control')
	]);
	const entries = JSON.stringify([watcher.entry, operator.entry]);
	const service = new DemoService({ BOOKTAPE_API_KEYS: entries });
	await service.start();
	try {
		const desk = new Desk(page);
		const dialog = page.getByRole('dialog', { name: 'An API key, please' });
		const enter = async (key: string, at = page) => {
			await at.getByRole('textbox', { name: 'Key' }).fill(key);
			await at.getByRole('button', { name: 'Use this key' }).click();
		};
		await page.goto(service.url);
		await expect(dialog).toBeVisible();
		expect((await new AxeBuilder({ page }).analyze()).violations).toEqual([]);
		await enter('not-a-key');
		await expect(dialog.getByRole('alert')).toBeVisible();
		await enter(watcher.key);
		await expect(dialog).toBeHidden();
		await expect(desk.status).toHaveText('Playing');
		await desk.playsPast(0);

		await desk.button('Pause').click();
		await expect(page.getByRole('alert')).toContainText('may watch');
		await expect(desk.button('Pause')).toBeDisabled();
		await expect(desk.button('On my own')).toBeHidden();
		await expect(desk.status).toHaveText('Playing');

		// Of this tab alone, and of no address.
		await page.reload();
		await expect(desk.status).toHaveText('Playing');
		expect(page.url()).not.toContain(watcher.key);
		const other = new Desk(await page.context().newPage());
		await other.page.goto(service.url);
		await enter(operator.key, other.page);
		await other.pauseAt(5_000);
		await expect(desk.status).toHaveText('Paused');
	} finally {
		await service.stop();
	}
});
