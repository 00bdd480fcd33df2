import { describe, expect, it } from 'vitest';
import { decimalsOf, decimalsOfAll, formatPrice, UNDEFINED_PRICE } from './price';

describe('decimalsOf', () => {
	it.each([
		[65_400_000_000n, 1],
		[5_214_250_000_000n, 2],
		[112_515_625_000n, 6],
		[1n, 9],
		[39_000_000_000_000n, 0],
		[0n, 0],
		[-64_780_000_000n, 2]
	])('%s takes %s', (price, decimals) => {
		expect(decimalsOf(price)).toBe(decimals);
	});
});

describe('formatPrice', () => {
	it('writes a column with the same decimals', () => {
		expect(formatPrice(65_400_000_000n, 2)).toBe('65.40');
		expect(formatPrice(5_214_000_000_000n, 2)).toBe('5214.00');
	});

	it('never drops a digit to fit the column', () => {
		expect(formatPrice(112_515_625_000n, 2)).toBe('112.515625');
	});

	it('is exact where a float is not', () => {
		expect(formatPrice(9_007_199_254_740_993n, 9)).toBe('9007199.254740993');
	});

	it('keeps the sign of negative prices, below one too', () => {
		expect(formatPrice(-37_630_000_000n, 2)).toBe('−37.63');
		expect(formatPrice(-50_000_000n, 2)).toBe('−0.05');
	});

	it('has no point without decimals', () => {
		expect(formatPrice(39_000_000_000_000n, 0)).toBe('39000');
	});

	it('shows no number where there is no price', () => {
		expect(formatPrice(UNDEFINED_PRICE, 2)).toBe('–');
	});
});

describe('decimalsOfAll', () => {
	it('is that of the smallest step seen', () => {
		expect(decimalsOfAll([64_000_000_000n, 64_500_000_000n, 64_790_000_000n])).toBe(2);
	});

	it('never falls below what was seen before', () => {
		expect(decimalsOfAll([64_000_000_000n], 2)).toBe(2);
	});

	it('is not widened by a missing price', () => {
		expect(decimalsOfAll([UNDEFINED_PRICE, 1_500_000_000n])).toBe(1);
	});
});
