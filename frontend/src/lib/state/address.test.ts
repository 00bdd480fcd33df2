import { expect, it } from 'vitest';
import { readAddress, writeAddress, type Address } from './address';

const read = (search: string) => readAddress(new URLSearchParams(search));

it('reads back what it writes', () => {
	const address: Address = {
		tape: 'clx5-99aa00bb',
		instrument: 'CLX5 & C',
		publisher: 'GLBX.MDP3.GLBX',
		view: 'published',
		replay: 'replay-3'
	};
	expect(read(writeAddress(address).toString())).toEqual(address);
});

it('leaves out what goes without saying', () => {
	const address: Address = {
		tape: null,
		instrument: null,
		publisher: null,
		view: 'matched',
		replay: null
	};
	expect(writeAddress(address).toString()).toBe('');
	expect(read('')).toEqual(address);
});

it('shows the matched view where the address names none that there is', () => {
	expect(read('view=upside-down').view).toBe('matched');
});
