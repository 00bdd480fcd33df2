import { Problem } from '$lib/api/problem';
import type { Fetch, Service } from '$lib/api/service';
import type { Access } from './access.svelte';
import type { Board } from './board.svelte';

export interface FetchesOptions {
	service: Service;
	access: Access;
	board: Board;
	/** Told when a tape has come. */
	onTape: () => void;
}

/** Tapes on their way from Databento: those under way, and what became of them while one looked. */
export class Fetches {
	#listed = $state.raw<readonly Fetch[]>([]);
	/** Seen under way, and not yet dismissed. */
	#seen: readonly string[] = [];

	constructor(private readonly options: FetchesOptions) {}

	/** In the order in which they began. */
	get listed(): readonly Fetch[] {
		return this.#listed;
	}

	get underWay(): boolean {
		return this.#listed.some(isUnderWay);
	}

	/** Asks how far they are. Where there is no answer, the tape's own stream tells why. */
	async look(): Promise<void> {
		const all = await this.options.service.fetches().catch(() => null);
		if (all === null) return;
		const underWay = all.filter(isUnderWay).map(({ id }) => id);
		this.#seen = [...this.#seen.filter((id) => !underWay.includes(id)), ...underWay];
		const came = all.some(
			({ id, state }) =>
				state === 'done' &&
				this.#listed.some((before) => before.id === id && isUnderWay(before))
		);
		this.#list(all);
		if (came) this.options.onTape();
	}

	/** Ends one that is under way; what has come is kept by the service. */
	async cancel(id: string): Promise<void> {
		const { access, board, service } = this.options;
		try {
			await service.cancelFetch(id);
		} catch (error) {
			if (!(error instanceof Problem)) throw error;
			if (error.needsKey && (await access.ask())) return this.cancel(id);
			board.say((access.judge(error) ?? error).message);
		}
		await this.look();
	}

	/** Forgets one that has ended. */
	dismiss(id: string): void {
		this.#seen = this.#seen.filter((each) => each !== id);
		this.#list(this.#listed);
	}

	#list(fetches: readonly Fetch[]): void {
		this.#listed = fetches.filter(
			({ id, state }) => this.#seen.includes(id) && state !== 'cancelled'
		);
	}
}

export function isUnderWay({ state }: Fetch): boolean {
	return state === 'fetching' || state === 'adding';
}
