import type { Store } from '../src/lib/state/access.svelte';

/** What a tab keeps, empty for every test. */
export function shelf(): Store {
	const kept = new Map<string, string>();
	return {
		getItem: (name) => kept.get(name) ?? null,
		setItem: (name, value) => void kept.set(name, value)
	};
}
