import { expect, it } from 'vitest';
import { nameSpeed, SPEEDS, speedsWith, stepSpeed } from './speed';

it('steps through what is offered and stays at either end', () => {
	expect([stepSpeed(1, 1), stepSpeed(1, -1)]).toEqual([2, 0.5]);
	expect([stepSpeed(100, 1), stepSpeed('max', -1)]).toEqual(['max', 100]);
	expect([stepSpeed('max', 1), stepSpeed(0.1, -1)]).toEqual(['max', 0.1]);
});

it('steps from a speed that somebody else has set to the next one offered', () => {
	expect([stepSpeed(3, 1), stepSpeed(3, -1)]).toEqual([5, 2]);
	expect([stepSpeed(5_000, 1), stepSpeed(0.01, -1)]).toEqual(['max', 0.01]);
});

it('lists a speed that somebody else has set where it belongs', () => {
	expect(speedsWith(3).slice(4, 7)).toEqual([2, 3, 5]);
	expect(speedsWith(5_000).slice(-2)).toEqual([5_000, 'max']);
	expect(speedsWith(1)).toEqual(SPEEDS);
});

it('names speeds as people say them', () => {
	expect([nameSpeed(0.5), nameSpeed(10), nameSpeed('max')]).toEqual(['0.5×', '10×', 'Max']);
});
