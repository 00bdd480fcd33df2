import { expect, it } from 'vitest';
import { readAddress, writeAddress, type Address } from './address';

const read = (search: string) => readAddress(new URLSearchParams(search));

it('reads back what it writes', () => {
	const address: Address = {
		tape: 'clx5-99aa00bb',
		instrument: 'CLX5 & C',
		publisher: 'GLBX.MDP3.GLBX',
		speed: '10'
	};
	expect(read(writeAddress(address).toString())).toEqual(address);
});

it('leaves out what goes without saying', () => {
	const address: Address = { tape: null, instrument: null, publisher: null, speed: '1' };
	expect(writeAddress(address).toString()).toBe('');
	expect(read('')).toEqual(address);
});

it('plays at real time when the speed is not one that is offered', () => {
	expect(read('speed=3').speed).toBe('1');
});
