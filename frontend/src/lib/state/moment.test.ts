import { expect, it } from 'vitest';
import { readMoment } from './moment';

const DAY = '2025-09-24';

it.each([
	['1000', '1000'],
	[' 1,234,567 ', '1234567'],
	['21:45', '2025-09-24T21:45:00Z'],
	['9:05:07', '2025-09-24T09:05:07Z'],
	['21:47:19.123456789', '2025-09-24T21:47:19.123456789Z']
])('reads %j as %s', (typed, moment) => {
	expect(readMoment(typed, DAY)).toBe(moment);
});

it.each(['2025-09-24T21:47:19.5Z', 'ns:1758750439500000000', 'half past nine', ''])(
	'leaves %j to the service',
	(typed) => {
		expect(readMoment(typed, DAY)).toBe(typed);
	}
);

it('knows no clock time while it knows no day', () => {
	expect(readMoment('21:45', null)).toBe('21:45');
});
