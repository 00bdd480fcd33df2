import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		// One page for every path: the service answers unknown paths with index.html.
		adapter: adapter({ fallback: 'index.html' }),
		// A reverse proxy that serves the page below a prefix builds with BOOKTAPE_BASE=/prefix.
		paths: { base: process.env.BOOKTAPE_BASE ?? '', relative: false }
	}
};
