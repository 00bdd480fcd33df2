import { expect, it } from 'vitest';
import { isSpeed, nameSpeed, stepSpeed } from './speed';

it('steps through the speeds and stops at both ends', () => {
	expect(stepSpeed('1', 1)).toBe('2');
	expect(stepSpeed('1', -1)).toBe('0.5');
	expect(stepSpeed('0.1', -1)).toBe('0.1');
	expect(stepSpeed('100', 1)).toBe('max');
	expect(stepSpeed('max', 1)).toBe('max');
});

it('knows the speeds that are offered from those that are not', () => {
	expect(isSpeed('0.5')).toBe(true);
	expect(isSpeed('3')).toBe(false);
	expect(isSpeed(null)).toBe(false);
});

it('names them for people', () => {
	expect(nameSpeed('0.1')).toBe('0.1×');
	expect(nameSpeed('max')).toBe('Max');
});
