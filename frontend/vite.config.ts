import { sveltekit } from '@sveltejs/kit/vite';
import tailwindcss from '@tailwindcss/vite';
import { defineConfig } from 'vitest/config';

const service = process.env.BOOKTAPE_URL ?? 'http://127.0.0.1:8000';
const proxy = { '/api': service, '/ready': service };

export default defineConfig({
	plugins: [tailwindcss(), sveltekit()],
	server: { proxy },
	preview: { proxy },
	test: {
		include: ['src/**/*.test.ts'],
		environment: './tests/runes-environment.ts'
	},
	// Tests run the browser's build of Svelte, so that runes react as they do on the page.
	resolve: process.env.VITEST ? { conditions: ['browser'] } : undefined
});
