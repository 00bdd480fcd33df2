import adapter from '@sveltejs/adapter-static';
import { vitePreprocess } from '@sveltejs/vite-plugin-svelte';

/** @type {import('@sveltejs/kit').Config} */
export default {
	preprocess: vitePreprocess(),
	kit: {
		// One page for every path: the service answers unknown paths with index.html.
		// The service sends the compressed forms to browsers that take them.
		adapter: adapter({ fallback: 'index.html', precompress: true }),
		// The page runs its own scripts only, and talks to nobody but the service it came from.
		csp: {
			mode: 'hash',
			directives: {
				'default-src': ['self'],
				'style-src': ['self', 'unsafe-inline'],
				'img-src': ['self', 'data:'],
				'object-src': ['none'],
				'base-uri': ['none']
			}
		},
		// A reverse proxy that serves the page below a prefix builds with BOOKTAPE_BASE=/prefix.
		paths: { base: process.env.BOOKTAPE_BASE ?? '', relative: false }
	}
};
