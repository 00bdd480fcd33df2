/** Prices are integers in units of 1e-9; `bigint` keeps them exact, and nothing here rounds. */
export type Price = bigint;

const SCALE = 9;
const ONE = 10n ** BigInt(SCALE);

/** "No price" in DBN: the largest 64-bit integer. */
export const UNDEFINED_PRICE: Price = 2n ** 63n - 1n;

/** How many decimals it takes to write a price exactly. */
export function decimalsOf(price: Price): number {
	let decimals = SCALE;
	for (let rest = price; decimals > 0 && rest % 10n === 0n; rest /= 10n) decimals -= 1;
	return decimals;
}

/** A price with at least `decimals` decimals: more where fewer would change its value. */
export function formatPrice(price: Price, decimals: number): string {
	if (price === UNDEFINED_PRICE) return '–';
	const shown = Math.max(decimals, decimalsOf(price));
	const units = price < 0n ? -price : price;
	const fraction = (units % ONE).toString().padStart(SCALE, '0').slice(0, shown);
	const sign = price < 0n ? '−' : '';
	return `${sign}${units / ONE}${shown > 0 ? '.' : ''}${fraction}`;
}

/** The decimals a column of prices needs so that every price seen in it fits. */
export function decimalsOfAll(prices: Iterable<Price>, atLeast = 0): number {
	let decimals = atLeast;
	for (const price of prices) {
		if (price !== UNDEFINED_PRICE) decimals = Math.max(decimals, decimalsOf(price));
	}
	return decimals;
}
