import type { Problem } from '$lib/api/problem';
import { backoff, pause } from './backoff';
import { Conflator } from './conflate';
import { readDepth } from './depth-stream';
import type { Command, LinkState, Report } from './protocol';

type Open = Extract<Command, { type: 'open' }>;

/**
 * Follows one depth stream at a time and comes back by itself, from the record where it was cut.
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

	async #follow({ run, url, from, unpaced }: Open, signal: AbortSignal): Promise<void> {
		const report = (state: LinkState): void => {
			if (!signal.aborted) this.send({ type: 'link', run, state });
		};
		let position = from;
		let failures = 0;
		// The service counts volume from where a stream was opened; a stream that was cut goes on.
		let volume = 0;
		while (!signal.aborted) {
			let live = false;
			let before = volume;
			report({ name: 'connecting' });
			try {
				await readDepth(url, position, signal, {
					onDepth: (depth) => {
						if (!live) report({ name: 'live' });
						live = true;
						failures = 0;
						position = depth.index;
						volume = before + depth.volume;
						this.#conflator.offer({ ...depth, volume });
					},
					onJump: (index) => {
						position = index;
						before = 0;
						this.#conflator.jump();
					},
					beforeRead: async () => {
						if (unpaced) await this.#conflator.idle();
					}
				});
				return report({ name: 'ended' });
			} catch (error) {
				const { message, temporary, retryAfter } = error as Problem;
				if (!temporary) return report({ name: 'failed', why: message });
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
