import { Problem } from '$lib/api/problem';
import type { ReplayChange, ReplayState } from '$lib/api/service';

/** What was asked for and shows already, until the service says what is. */
export type Asked = Partial<Pick<ReplayState, 'playing' | 'speed' | 'index'>>;

interface Batch {
	change: ReplayChange;
	answer: Promise<Problem | null>;
}

/**
 * The controls of one replay. One request is under way at a time, so that none overtakes another;
 * what is asked meanwhile becomes the next one, so that a held key sends no more than is answered.
 */
export class Controls {
	#asked = $state.raw<Asked>({});
	#next: Batch | null = null;
	#last: Promise<unknown> = Promise.resolve();
	#sending = false;
	/** The service has said what is since the request was sent. */
	#told = false;

	constructor(private readonly send: (change: ReplayChange) => Promise<unknown>) {}

	get asked(): Asked {
		return this.#asked;
	}

	/** Asks the service; what it minds, or `null`. */
	ask(change: ReplayChange): Promise<Problem | null> {
		this.#asked = { ...this.#asked, ...shownOf(change) };
		if (this.#next !== null) {
			this.#next.change = merge(this.#next.change, change);
			return this.#next.answer;
		}
		const batch: Batch = {
			change,
			answer: this.#last.then(() => {
				this.#next = null;
				return this.#answer(batch.change);
			})
		};
		this.#next = batch;
		this.#last = batch.answer;
		return batch.answer;
	}

	/** The service says what is. */
	told(): void {
		this.#told = true;
		if (!this.#sending && this.#next === null) this.#asked = {};
	}

	async #answer(change: ReplayChange): Promise<Problem | null> {
		this.#sending = true;
		this.#told = false;
		let problem: Problem | null = null;
		try {
			await this.send(change);
		} catch (error) {
			if (!(error instanceof Problem)) throw error;
			problem = error;
		} finally {
			this.#sending = false;
		}
		if (problem !== null || (this.#told && this.#next === null)) this.#asked = {};
		return problem;
	}
}

/** What a change will show, as far as the page can know. */
function shownOf({ playing, speed, seek, step }: ReplayChange): Asked {
	return {
		...(playing === undefined ? {} : { playing }),
		...(speed === undefined ? {} : { speed }),
		...(seek === undefined ? {} : { index: /^\d+$/.test(seek) ? Number(seek) : undefined }),
		...(step === undefined ? {} : { playing: false, index: undefined })
	};
}

/** Both changes as one: the service sets, seeks, steps and plays, in this order. */
export function merge(first: ReplayChange, then: ReplayChange): ReplayChange {
	const both = { ...first, ...then };
	if (then.step !== undefined) {
		delete both.playing;
		if (first.step?.by === then.step.by)
			both.step = { ...then.step, count: first.step.count + then.step.count };
	} else if (then.seek !== undefined || then.playing === true) {
		delete both.step;
	}
	return both;
}
