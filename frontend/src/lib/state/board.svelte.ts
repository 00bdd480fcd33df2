/** One thing that whoever looks at the page should know, until it was read. */
export class Board {
	#text = $state<string | null>(null);

	get text(): string | null {
		return this.#text;
	}

	say(text: string): void {
		this.#text = text;
	}

	clear(): void {
		this.#text = null;
	}
}
