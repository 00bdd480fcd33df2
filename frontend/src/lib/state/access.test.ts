import { expect, it } from 'vitest';
import { shelf } from '../../../tests/shelf';
import { Problem } from '$lib/api/problem';
import { Access } from './access.svelte';

it('asks once for all who need a key, and keeps it for the tab', async () => {
	const store = shelf();
	const access = new Access(() => store);
	const asked = [access.ask(), access.ask()];
	expect(access.wanted).toBe(true);
	expect(access.refused).toBe(false);
	access.give('bt_1');
	expect(await Promise.all(asked)).toEqual([true, true]);
	expect([access.wanted, access.key]).toEqual([false, 'bt_1']);
	expect(new Access(() => store).key).toBe('bt_1');
});

it('says so when a key was shown and not taken', () => {
	const access = new Access(shelf);
	access.give('wrong');
	void access.ask();
	expect(access.refused).toBe(true);
});

it('tells those who asked that there will be none', async () => {
	const access = new Access(shelf);
	const asked = access.ask();
	access.dismiss();
	expect(await asked).toBe(false);
});

it('does without storage where it is blocked', () => {
	const access = new Access(() => {
		throw new DOMException('blocked', 'SecurityError');
	});
	access.give('bt_1');
	expect(access.key).toBe('bt_1');
});

it('knows a key that may only watch, until there is another', () => {
	const access = new Access(shelf);
	const refused = access.judge(new Problem('needs the scope control', false, null, 403));
	expect(refused?.message).toBe('This key may watch what is played, but not control it.');
	expect(access.mayControl).toBe(false);
	access.give('another');
	expect(access.mayControl).toBe(true);
});

it('leaves other problems as they are', () => {
	const access = new Access(shelf);
	const problem = new Problem('seek: outside the tape', false, null, 400);
	expect(access.judge(problem)).toBe(problem);
	expect(access.judge(null)).toBeNull();
	expect(access.mayControl).toBe(true);
});
