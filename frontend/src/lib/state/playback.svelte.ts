import type { Service } from '$lib/api/service';
import { TRADES_KEPT, type Depth, type TimedTrade } from '$lib/market/depth';
import { LEVELS } from '$lib/market/ladder';
import { decimalsOfAll } from '$lib/market/price';
import type { Nanoseconds } from '$lib/market/time';
import type { Link } from '$lib/stream/link';
import type { LinkState, Report } from '$lib/stream/protocol';
import { REAL_TIME, stepSpeed, type Speed } from './speed';

/** A trade on the screen, with a number that no other one has had. */
export interface ListedTrade extends TimedTrade {
	readonly number: number;
}

/** One book of one tape. */
export interface Source {
	readonly tape: string;
	readonly instrument: number;
	readonly publisher: number;
}

export interface PlaybackOptions {
	service: Service;
	link: Link;
	/** Frames a second to ask for. */
	hz: () => number;
	/** Calls back when the screen is next painted. */
	onPaint: (paint: () => void) => void;
}

/** Plays one book: what is on the screen, and the way to stop it, move it and hurry it. */
export class Playback {
	#depth = $state.raw<Depth | null>(null);
	#trades = $state.raw<readonly ListedTrade[]>([]);
	#link = $state.raw<LinkState>({ name: 'connecting' });
	#playing = $state(true);
	#speed = $state<Speed>(REAL_TIME);
	#decimals = $state(0);
	#volume = $state(0);
	#since = $state.raw<Nanoseconds | null>(null);

	#source: Source | null = null;
	#position = 0;
	/** Traded before the stream was last opened, which counts from there. */
	#volumeBefore = 0;
	#run = 0;
	#tradesListed = 0;

	constructor(private readonly options: PlaybackOptions) {
		options.link.listen((report) => this.#hear(report));
	}

	get depth(): Depth | null {
		return this.#depth;
	}

	/** Newest first. */
	get trades(): readonly ListedTrade[] {
		return this.#trades;
	}

	get link(): LinkState {
		return this.#link;
	}

	get playing(): boolean {
		return this.#playing;
	}

	get speed(): Speed {
		return this.#speed;
	}

	/** Decimals of the smallest price step seen in this book. */
	get decimals(): number {
		return this.#decimals;
	}

	/** Traded since the time `volumeSince`. */
	get volume(): number {
		return this.#volume;
	}

	get volumeSince(): Nanoseconds | null {
		return this.#since;
	}

	/** Shows another book: of the same tape at the same moment, of another from its beginning. */
	show(source: Source): void {
		if (source.tape !== this.#source?.tape) this.#position = 0;
		this.#source = source;
		this.#depth = null;
		this.#decimals = 0;
		this.#beginCount();
		this.#open();
	}

	/** Shows nothing, until `show` is called. */
	clear(): void {
		this.#source = null;
		this.#depth = null;
		this.#close();
	}

	toggle(): void {
		this.#playing = !this.#playing;
		if (this.#playing) this.#open();
		else this.#close();
	}

	setSpeed(speed: Speed): void {
		if (speed === this.#speed) return;
		this.#speed = speed;
		if (this.#playing) this.#open();
	}

	stepSpeed(steps: number): void {
		this.setSpeed(stepSpeed(this.#speed, steps));
	}

	/** Goes to the state after `position` records, playing or paused. */
	seek(position: number): void {
		this.#position = position;
		this.#beginCount();
		this.#open();
	}

	/** Tries again now, after a failure or during the pause before the next attempt. */
	retry(): void {
		if (this.#link.name === 'waiting') this.options.link.post({ type: 'retry' });
		else this.#open();
	}

	#beginCount(): void {
		this.#trades = [];
		this.#volume = 0;
		this.#since = null;
	}

	#open(): void {
		if (this.#source === null) return;
		const { tape, instrument, publisher } = this.#source;
		this.#volumeBefore = this.#volume;
		this.#link = { name: 'connecting' };
		this.options.link.post({
			type: 'open',
			run: ++this.#run,
			url: this.options.service.depthUrl(tape, {
				instrument: String(instrument),
				publisher: String(publisher),
				levels: LEVELS,
				hz: this.options.hz(),
				speed: this.#speed,
				trades: true,
				loop: true
			}),
			from: this.#position,
			unpaced: this.#speed === 'max'
		});
	}

	#close(): void {
		// What is still on its way belongs to no run any more.
		this.#run += 1;
		this.#link = { name: 'closed' };
		this.options.link.post({ type: 'close' });
	}

	#hear(report: Report): void {
		if (report.type === 'depth') {
			this.options.onPaint(() => {
				if (report.run === this.#run) this.#paint(report.depth, report.jumped);
				this.options.link.post({ type: 'painted' });
			});
		} else if (report.run === this.#run) {
			this.#link = report.state;
		}
	}

	#paint(depth: Depth, jumped: boolean): void {
		if (jumped) {
			this.#volumeBefore = 0;
			this.#beginCount();
		}
		this.#depth = depth;
		this.#position = depth.index;
		this.#volume = this.#volumeBefore + depth.volume;
		this.#since ??= depth.time;
		this.#decimals = decimalsOfAll(pricesOf(depth), this.#decimals);
		if (depth.trades.length > 0) {
			const listed = depth.trades.map((trade) => ({
				...trade,
				number: ++this.#tradesListed
			}));
			this.#trades = [...listed.toReversed(), ...this.#trades].slice(0, TRADES_KEPT);
		}
		// Paused, and moved to another book or moment: one look at it is all that was wanted.
		if (!this.#playing) this.#close();
	}
}

function* pricesOf(depth: Depth): Iterable<bigint> {
	for (const level of depth.bids) yield level.price;
	for (const level of depth.asks) yield level.price;
	if (depth.lastTrade) yield depth.lastTrade.price;
}
