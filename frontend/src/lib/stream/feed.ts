import type { Problem } from '$lib/api/problem';
import { backoff, pause } from './backoff';
import { Conflator } from './conflate';
import { readDepth } from './depth-stream';
import type { Command, LinkState, Report } from './protocol';

type Open = Extract<Command, { type: 'open' }>;

/**
 * Follows one depth stream at a time and comes back by itself after a cut.
 * It lives in the worker; tests drive it directly.
 */
export class DepthFeed {
	#run = 0;
	#stream = new AbortController();
	#pause = new AbortController();
	readonly #conflator = new Conflator((depth, jumped) => {
		this.send({ type: 'depth', run: this.#run, depth, jumped });
	});

	constructor(
		private readonly send: (report: Report) => void,
		private readonly secondsBefore: (attempt: number) => number = backoff
	) {}

	obey(command: Command): void {
		switch (command.type) {
			case 'open':
				this.#close();
				this.#run = command.run;
				this.#stream = new AbortController();
				void this.#follow(command, this.#stream.signal);
				break;
			case 'close':
				this.#close();
				break;
			case 'retry':
				this.#pause.abort();
				break;
			case 'painted':
				this.#conflator.painted();
				break;
		}
	}

	#close(): void {
		this.#stream.abort();
		this.#pause.abort();
		this.#conflator.clear();
	}

	async #follow({ run, url, key }: Open, signal: AbortSignal): Promise<void> {
		const report = (state: LinkState): void => {
			if (!signal.aborted) this.send({ type: 'link', run, state });
		};
		let lastId: string | null = null;
		let failures = 0;
		while (!signal.aborted) {
			// Of the service as it is now: one that was started again may have another clock.
			let epoch = 0;
			let live = false;
			report({ name: 'connecting' });
			try {
				const why = await readDepth({ url, key, lastId }, signal, {
					onState: (state) => {
						if (!live) report({ name: 'live' });
						live = true;
						failures = 0;
						// What is held is of a place that the replay has left.
						if (state.epoch > epoch) this.#conflator.jump();
						epoch = Math.max(epoch, state.epoch);
						this.send({ type: 'state', run, state });
					},
					onDepth: (depth) => {
						if (depth.epoch < epoch) return;
						epoch = depth.epoch;
						this.#conflator.offer(depth);
					},
					onJump: () => this.#conflator.jump(),
					onId: (id) => (lastId = id)
				});
				return report({ name: 'gone', why });
			} catch (error) {
				const { message, temporary, retryAfter, status } = error as Problem;
				if (!temporary) return report({ name: 'failed', why: message, status });
				const seconds = retryAfter ?? this.secondsBefore(failures);
				failures += 1;
				report({ name: 'waiting', why: message, seconds });
				if (signal.aborted) return;
				this.#pause = new AbortController();
				await pause(seconds, this.#pause.signal);
			}
		}
	}
}
