import type { ReplayState } from '$lib/api/service';

/** A factor of real time, or as fast as the service goes. */
export type Speed = ReplayState['speed'];

/** What the page offers, slowest first; a replay may be set to anything in between, too. */
export const SPEEDS: readonly Speed[] = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 'max'];

const rank = (speed: Speed): number => (speed === 'max' ? Infinity : speed);

/** The next offered speed above or below, or the same where there is none. */
export function stepSpeed(speed: Speed, direction: 1 | -1): Speed {
	const next =
		direction > 0
			? SPEEDS.find((each) => rank(each) > rank(speed))
			: SPEEDS.findLast((each) => rank(each) < rank(speed));
	return next ?? speed;
}

/** Those offered, and the one that is set. */
export function speedsWith(speed: Speed): readonly Speed[] {
	if (SPEEDS.includes(speed)) return SPEEDS;
	return [...SPEEDS, speed].toSorted((a, b) => (rank(a) < rank(b) ? -1 : 1));
}

export function nameSpeed(speed: Speed): string {
	return speed === 'max' ? 'Max' : `${speed}×`;
}
