/** Factors of real time that the page offers, slowest first; `max` is as fast as the service can. */
export const SPEEDS = ['0.1', '0.2', '0.5', '1', '2', '5', '10', '20', '50', '100', 'max'] as const;
export type Speed = (typeof SPEEDS)[number];

export const REAL_TIME: Speed = '1';

export function isSpeed(text: string | null): text is Speed {
	return (SPEEDS as readonly (string | null)[]).includes(text);
}

/** The speed `steps` further on, ending at the slowest and the fastest. */
export function stepSpeed(speed: Speed, steps: number): Speed {
	const place = SPEEDS.indexOf(speed) + steps;
	return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, place))] ?? speed;
}

export function nameSpeed(speed: Speed): string {
	return speed === 'max' ? 'Max' : `${speed}×`;
}
