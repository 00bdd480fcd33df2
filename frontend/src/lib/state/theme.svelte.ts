export type ThemeName = 'light' | 'dark';

/** The name that static/theme.js reads before the first paint. */
const KEY = 'booktape.theme';

/** Light or dark: the system's, until one is chosen. */
export class Theme {
	#chosen = $state<ThemeName | null>(null);
	#system = $state<ThemeName>('light');
	readonly name = $derived(this.#chosen ?? this.#system);

	constructor() {
		const dark = matchMedia('(prefers-color-scheme: dark)');
		this.#system = dark.matches ? 'dark' : 'light';
		dark.addEventListener('change', () => (this.#system = dark.matches ? 'dark' : 'light'));
		const shown = document.documentElement.dataset.theme;
		if (shown === 'light' || shown === 'dark') this.#chosen = shown;
	}

	toggle(): void {
		const name = this.name === 'dark' ? 'light' : 'dark';
		this.#chosen = name;
		document.documentElement.dataset.theme = name;
		try {
			localStorage.setItem(KEY, name);
		} catch {
			// Storage is blocked: the choice lasts as long as the page.
		}
	}
}
