import { describe, expect, it } from 'vitest';
import { Heard } from '../../../tests/heard';
import { Problem } from '$lib/api/problem';
import type { ReplayChange } from '$lib/api/service';
import { Controls, merge } from './controls.svelte';

interface Sent {
	readonly change: ReplayChange;
	readonly answer: (problem?: Problem) => void;
}

/** Controls whose requests the test answers. */
function controls() {
	const sent = new Heard<Sent>();
	const made = new Controls(
		(change) =>
			new Promise<void>((resolve, reject) => {
				sent.tell({
					change,
					answer: (problem) => (problem ? reject(problem) : resolve())
				});
			})
	);
	return { sent, controls: made, first: () => sent.next(() => true, 0) };
}

const step = (count: number, by: 'event' | 'trade' = 'event') => ({ step: { by, count } });

describe('Controls', () => {
	it('shows what was asked until the service says what is', async () => {
		const { controls: held, first } = controls();
		const done = held.ask({ playing: false, speed: 2 });
		expect(held.asked).toEqual({ playing: false, speed: 2 });
		(await first()).answer();
		expect(await done).toBeNull();
		expect(held.asked).toEqual({ playing: false, speed: 2 });
		held.told();
		expect(held.asked).toEqual({});
	});

	it('takes word that came before the answer', async () => {
		const { controls: held, first } = controls();
		const done = held.ask({ playing: false });
		const request = await first();
		held.told();
		expect(held.asked).toEqual({ playing: false });
		request.answer();
		await done;
		expect(held.asked).toEqual({});
	});

	it('shows what is again when the service refuses, and hands on why', async () => {
		const { controls: held, first } = controls();
		const done = held.ask({ seek: '999' });
		expect(held.asked).toEqual({ index: 999 });
		const problem = new Problem('seek: outside the tape', false, null, 400);
		(await first()).answer(problem);
		expect(await done).toBe(problem);
		expect(held.asked).toEqual({});
	});

	it('sends one request at a time, and what was asked meanwhile as the next', async () => {
		const { controls: held, sent, first } = controls();
		void held.ask(step(1));
		const request = await first();
		const later = [held.ask(step(1)), held.ask(step(1)), held.ask({ speed: 5 })];
		expect(sent.all).toHaveLength(1);
		const second = sent.next(() => true);
		request.answer();
		expect((await second).change).toEqual({ ...step(2), speed: 5 });
		(await second).answer();
		expect(await Promise.all(later)).toEqual([null, null, null]);
	});

	it('goes on after a refusal', async () => {
		const { controls: held, sent, first } = controls();
		const refused = held.ask(step(1));
		const request = await first();
		const later = held.ask(step(-1));
		const second = sent.next(() => true);
		request.answer(new Problem('no', false));
		expect(await refused).not.toBeNull();
		(await second).answer();
		expect(await later).toBeNull();
	});

	it('does not guess where a step or a time leads', () => {
		const { controls: held } = controls();
		void held.ask({ seek: '50' });
		void held.ask(step(1));
		expect(held.asked).toMatchObject({ index: undefined, playing: false });
		void held.ask({ seek: '2025-09-24T21:45:00Z' });
		expect(held.asked.index).toBeUndefined();
	});
});

describe('merge', () => {
	it('adds up steps of a kind, and keeps the last kind', () => {
		expect(merge(step(2), step(-3))).toEqual(step(-1));
		expect(merge(step(2), step(1, 'trade'))).toEqual(step(1, 'trade'));
	});

	it('lets a step pause, and play or a place end stepping', () => {
		expect(merge({ playing: true }, step(1))).toEqual(step(1));
		expect(merge(step(1), { playing: true })).toEqual({ playing: true });
		expect(merge(step(1), { seek: '5' })).toEqual({ seek: '5' });
	});

	it('steps from a place that was asked before', () => {
		expect(merge({ seek: '5' }, step(1))).toEqual({ seek: '5', ...step(1) });
	});
});
