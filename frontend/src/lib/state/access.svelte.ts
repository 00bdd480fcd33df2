import { Problem } from '$lib/api/problem';

/** Where the key lies as long as this tab is open; nowhere that outlives it. */
const NAME = 'booktape.key';

const WATCH_ONLY = 'This key may watch what is played, but not control it.';

export type Store = Pick<Storage, 'getItem' | 'setItem'>;

/** Who is asking, where a service wants to know, and what that allows. */
export class Access {
	#key: string | null;
	#wanted = $state(false);
	#refused = $state(false);
	#mayControl = $state(true);
	#answers: ((given: boolean) => void)[] = [];

	constructor(private readonly store: () => Store) {
		this.#key = this.#stored();
	}

	get key(): string | null {
		return this.#key;
	}

	/** Somebody should enter a key. */
	get wanted(): boolean {
		return this.#wanted;
	}

	/** The service did not take the key it was shown. */
	get refused(): boolean {
		return this.#refused;
	}

	/** As far as is known. */
	get mayControl(): boolean {
		return this.#mayControl;
	}

	/** Asks for a key; resolves to whether there is one to try. */
	ask(): Promise<boolean> {
		this.#refused = this.#key !== null;
		this.#wanted = true;
		return new Promise((resolve) => this.#answers.push(resolve));
	}

	give(key: string): void {
		this.#key = key;
		this.#mayControl = true;
		try {
			this.store().setItem(NAME, key);
		} catch {
			// Storage is blocked: the key lasts as long as the page.
		}
		this.#answer(true);
	}

	dismiss(): void {
		this.#answer(false);
	}

	/** Notes what a refused control says of the key, and says it in words that help. */
	judge(problem: Problem | null): Problem | null {
		if (problem?.status !== 403) return problem;
		this.#mayControl = false;
		return new Problem(WATCH_ONLY, false, null, 403);
	}

	#answer(given: boolean): void {
		this.#wanted = false;
		for (const resolve of this.#answers.splice(0)) resolve(given);
	}

	#stored(): string | null {
		try {
			return this.store().getItem(NAME);
		} catch {
			return null;
		}
	}
}
