import config from '../../playwright.config';

/** Measures the page rather than testing it: `npm run measure`. */
export default {
	...config,
	testDir: '.',
	testMatch: '*.measure.ts',
	timeout: 180_000,
	reporter: 'line',
	use: { ...config.use, viewport: { width: 1440, height: 900 }, trace: 'off' as const }
};
