import { existsSync } from 'node:fs';

/** The browser of the system, rather than one downloaded for the tests. */
export const chromium = process.env.BOOKTAPE_CHROMIUM ?? '/usr/bin/chromium';

export const hasChromium = existsSync(chromium);

export const CHROMIUM_MISSING =
	`Skipping the browser tests: there is no ${chromium}. ` +
	'On Debian: apt-get install chromium; anywhere: BOOKTAPE_CHROMIUM=/path/to/chromium.';
