import { TRADES_KEPT, type Depth } from '$lib/market/depth';

/**
 * Holds back all but the newest depth while the screen is busy with the one before. Trades are
 * gathered, not skipped, up to what a screen can list.
 */
export class Conflator {
	#waiting: Depth | null = null;
	#jumped = false;
	#busy = false;

	constructor(private readonly send: (depth: Depth, jumped: boolean) => void) {}

	offer(depth: Depth): void {
		const trades = [...(this.#waiting?.trades ?? []), ...depth.trades].slice(-TRADES_KEPT);
		this.#waiting = { ...depth, trades };
		this.#flush();
	}

	/** What comes next does not follow what came before. */
	jump(): void {
		this.#waiting = null;
		this.#jumped = true;
	}

	painted(): void {
		this.#busy = false;
		this.#flush();
	}

	/** Forgets what was held, for a new stream. */
	clear(): void {
		this.#waiting = null;
		this.#jumped = false;
	}

	#flush(): void {
		if (this.#busy || this.#waiting === null) return;
		const depth = this.#waiting;
		const jumped = this.#jumped;
		this.clear();
		this.#busy = true;
		this.send(depth, jumped);
	}
}
