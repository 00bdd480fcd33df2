const FIRST = 0.5;
const LONGEST = 15;

/**
 * Seconds to wait before the next attempt: doubling from half a second to a quarter of a minute,
 * spread by a quarter either way so that many pages do not return at the same moment.
 */
export function backoff(attempt: number, random: () => number = Math.random): number {
	return Math.min(LONGEST, FIRST * 2 ** attempt) * (0.75 + random() / 2);
}

/** Resolves after `seconds`, or at once when `signal` aborts. */
export function pause(seconds: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const timer = setTimeout(resolve, seconds * 1000);
		signal.addEventListener(
			'abort',
			() => {
				clearTimeout(timer);
				resolve();
			},
			{ once: true }
		);
	});
}
