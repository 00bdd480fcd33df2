import type { Environment } from 'vitest/runtime';

/**
 * Node's own fetch, streams and timers, with modules compiled as for the browser, so that runes
 * react. State is tested without a DOM; what needs one is tested in Chromium.
 */
export default {
	name: 'runes',
	viteEnvironment: 'client',
	setup: () => ({ teardown: () => undefined })
} satisfies Environment;
