import { expect, it } from 'vitest';
import { formatClock, formatClockMillis, formatDate } from './time';

const time = 1_758_750_439_123_999_999n;

it('shows UTC, cut and never rounded up into the next millisecond', () => {
	expect(formatDate(time)).toBe('2025-09-24');
	expect(formatClock(time)).toBe('21:47:19');
	expect(formatClockMillis(time)).toBe('21:47:19.123');
});
