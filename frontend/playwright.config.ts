import { defineConfig } from '@playwright/test';
import { chromium, CHROMIUM_MISSING, hasChromium } from './tests/e2e/chromium';

// Said once, by the process that starts the workers.
if (!hasChromium && process.env.TEST_WORKER_INDEX === undefined) console.warn(CHROMIUM_MISSING);

export default defineConfig({
	testDir: 'tests/e2e',
	testMatch: '*.spec.ts',
	// One service and one small machine: tests take turns.
	workers: 1,
	forbidOnly: Boolean(process.env.CI),
	reporter: 'list',
	timeout: 30_000,
	expect: { timeout: 10_000 },
	use: {
		viewport: { width: 1366, height: 768 },
		trace: 'retain-on-failure',
		launchOptions: {
			executablePath: chromium,
			args: [
				'--no-sandbox',
				'--disable-gpu',
				'--disable-background-networking',
				'--disable-component-update',
				'--disable-sync'
			]
		}
	}
});
