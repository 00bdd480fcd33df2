/** Tape times are nanoseconds since 1970, UTC; `bigint`, since they do not fit a float. */
export type Nanoseconds = bigint;

function iso(time: Nanoseconds): string {
	return new Date(Number(time / 1_000_000n)).toISOString();
}

/** `2025-09-24` */
export function formatDate(time: Nanoseconds): string {
	return iso(time).slice(0, 10);
}

/** `21:47:19` */
export function formatClock(time: Nanoseconds): string {
	return iso(time).slice(11, 19);
}

/** `21:47:19.123` */
export function formatClockMillis(time: Nanoseconds): string {
	return iso(time).slice(11, 23);
}
