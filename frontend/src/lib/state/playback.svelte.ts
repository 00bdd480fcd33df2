import type { Problem } from '$lib/api/problem';
import type { ReplayChange, ReplayState, Service, Stride, View } from '$lib/api/service';
import { TRADES_KEPT, type Depth, type TimedTrade } from '$lib/market/depth';
import { LEVELS } from '$lib/market/ladder';
import { decimalsOfAll } from '$lib/market/price';
import type { Nanoseconds } from '$lib/market/time';
import type { Link } from '$lib/stream/link';
import type { LastBye, LinkState, Report } from '$lib/stream/protocol';
import type { Access } from './access.svelte';
import type { Board } from './board.svelte';
import { Controls } from './controls.svelte';
import { stepSpeed, type Speed } from './speed';

/** A trade on the screen, with a number that no other one has had. */
export interface ListedTrade extends TimedTrade {
	readonly number: number;
}

/** One book of a tape, as a replay plays it. */
export interface Source {
	readonly replay: ReplayState;
	readonly instrument: number;
	readonly publisher: number;
	readonly view: View;
	/** Whether the tape takes more records. */
	readonly grows: boolean;
	/** Index of the tape's first record: those before were dropped. */
	readonly first: number;
}

/** Why a replay cannot be followed any longer; `missing` where the service knows none by that name. */
export type Loss = LastBye | 'missing';

export interface PlaybackOptions {
	service: Service;
	link: Link;
	access: Access;
	board: Board;
	/** Frames a second to ask for. */
	hz: () => number;
	/** Calls back when the screen is next painted. */
	onPaint: (paint: () => void) => void;
}

/** Where the replay is, as far as the page was told. */
interface Moment {
	readonly epoch: number;
	readonly index: number;
	readonly total: number;
	readonly time: Nanoseconds | null;
}

/** Follows a replay on one book: what is on the screen, and the way to ask the service for another moment. */
export class Playback {
	#depth = $state.raw<Depth | null>(null);
	#trades = $state.raw<readonly ListedTrade[]>([]);
	#link = $state.raw<LinkState>({ name: 'connecting' });
	#state = $state.raw<ReplayState | null>(null);
	#moment = $state.raw<Moment | null>(null);
	#controls = $state.raw<Controls | null>(null);
	#decimals = $state(0);
	#grows = $state(false);
	#first = $state(0);

	#source: Source | null = null;
	#run = 0;
	#tradesListed = 0;
	#onLoss: (loss: Loss) => void = () => undefined;

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

	/** What the service last said of the replay. */
	get state(): ReplayState | null {
		return this.#state;
	}

	get playing(): boolean {
		return this.#controls?.asked.playing ?? this.#state?.playing ?? false;
	}

	get speed(): Speed {
		return this.#controls?.asked.speed ?? this.#state?.speed ?? 1;
	}

	/** Records before the moment that is shown. */
	get index(): number {
		return this.#controls?.asked.index ?? this.#moment?.index ?? 0;
	}

	/** Records of the tape. */
	get total(): number {
		return this.#moment?.total ?? 0;
	}

	get time(): Nanoseconds | null {
		return this.#moment?.time ?? null;
	}

	/** Whether it follows the head of a tape that grows. */
	get atHead(): boolean {
		return this.#state?.at_head ?? false;
	}

	/** Where the tape begins. */
	get first(): number {
		return this.#first;
	}

	/** Whether the tape grows, or was seen to. */
	get grows(): boolean {
		return this.#grows;
	}

	/** Decimals of the smallest price step seen in this book. */
	get decimals(): number {
		return this.#decimals;
	}

	/** Whom to tell when there is nothing to follow any longer. */
	onLoss(listener: (loss: Loss) => void): void {
		this.#onLoss = listener;
	}

	/** Shows a book, at the moment where the replay is. */
	show(source: Source): void {
		const { replay } = source;
		const before = this.#source?.replay;
		this.#source = source;
		this.#grows = source.grows || (this.#grows && replay.tape === before?.tape);
		this.#first = source.first;
		if (replay.id !== before?.id) {
			this.#moment = null;
			this.#controls = new Controls((change) =>
				this.options.service.control(replay.id, change)
			);
			this.#learn(replay);
		}
		this.#depth = null;
		this.#trades = [];
		this.#decimals = 0;
		this.#open();
	}

	/** Shows nothing, until `show` is called. */
	clear(): void {
		this.#source = null;
		this.#depth = null;
		this.#trades = [];
		this.#state = null;
		this.#moment = null;
		this.#controls = null;
		// What is still on its way belongs to no run any more.
		this.#run += 1;
		this.#link = { name: 'closed' };
		this.options.link.post({ type: 'close' });
	}

	toggle(): void {
		void this.#tell({ playing: !this.playing });
	}

	setSpeed(speed: Speed): void {
		if (speed !== this.speed) void this.#tell({ speed });
	}

	stepSpeed(direction: 1 | -1): void {
		this.setSpeed(stepSpeed(this.speed, direction));
	}

	/** Steps so many events or trades of this book, back where it is negative, and pauses. */
	step(by: Stride, count: number): void {
		const instrument = this.#source?.instrument;
		if (instrument === undefined) return;
		void this.#tell({ step: { by, count, instrument: String(instrument) } });
	}

	/** Goes to the moment after `index` records, playing or paused. */
	seek(index: number): void {
		void this.#tell({ seek: String(index) });
	}

	/** Goes to any moment that the service can read; what it minds, or `null`. */
	goTo(moment: string): Promise<Problem | null> {
		return this.#ask({ seek: moment });
	}

	/** Goes to the end of a tape that grows, and stays there. */
	toHead(): void {
		if (this.#grows && !this.atHead) void this.#tell({ seek: 'end', playing: true });
	}

	/** Tries again now, after a failure or during the pause before the next attempt. */
	retry(): void {
		if (this.#link.name === 'waiting') this.options.link.post({ type: 'retry' });
		else this.#open();
	}

	async #tell(change: ReplayChange): Promise<void> {
		const problem = await this.#ask(change);
		if (problem !== null) this.options.board.say(problem.message);
	}

	async #ask(change: ReplayChange): Promise<Problem | null> {
		const problem = (await this.#controls?.ask(change)) ?? null;
		if (problem?.needsKey && (await this.options.access.ask())) return this.#ask(change);
		return this.options.access.judge(problem);
	}

	#open(): void {
		if (this.#source === null) return;
		const { replay, instrument, publisher, view } = this.#source;
		this.#link = { name: 'connecting' };
		this.options.link.post({
			type: 'open',
			run: ++this.#run,
			url: this.options.service.depthUrl(replay.id, {
				instrument: String(instrument),
				publisher: String(publisher),
				levels: LEVELS,
				hz: this.options.hz(),
				view,
				trades: true
			}),
			key: this.options.access.key
		});
	}

	#hear(report: Report): void {
		if (report.type === 'depth') {
			this.options.onPaint(() => {
				if (report.run === this.#run) this.#paint(report.depth, report.jumped);
				this.options.link.post({ type: 'painted' });
			});
		} else if (report.run !== this.#run) {
			return;
		} else if (report.type === 'state') {
			this.#learn(report.state);
		} else {
			this.#link = report.state;
			if (report.state.name === 'gone') this.#onLoss(report.state.why);
			else if (report.state.name === 'failed') this.#refused(report.state.status);
		}
	}

	#refused(status: number | null): void {
		const run = this.#run;
		if (status === 404) this.#onLoss('missing');
		if (status !== 401) return;
		void this.options.access.ask().then((given) => {
			if (given && run === this.#run) this.#open();
		});
	}

	#learn(state: ReplayState): void {
		// Names of replays are given anew by a service that was started again.
		if (this.#source !== null && state.tape !== this.#source.replay.tape) {
			return this.#onLoss('missing');
		}
		this.#state = state;
		this.#controls?.told();
		this.#grows ||= state.at_head;
		this.#move({
			epoch: state.epoch,
			index: state.index,
			total: state.total,
			time: state.ts_recv === null ? null : BigInt(state.ts_recv)
		});
	}

	#paint(depth: Depth, jumped: boolean): void {
		const here = this.#moment;
		if (here !== null && depth.epoch < here.epoch) return;
		if (jumped) this.#trades = [];
		this.#depth = depth;
		// A screen shows whole events: it may be a few records behind the replay, which is where it says.
		if (here === null || depth.epoch > here.epoch || depth.index >= here.index)
			this.#move(depth);
		this.#decimals = decimalsOfAll(pricesOf(depth), this.#decimals);
		if (depth.trades.length > 0) {
			const listed = depth.trades.map((trade) => ({
				...trade,
				number: ++this.#tradesListed
			}));
			this.#trades = [...listed.toReversed(), ...this.#trades].slice(0, TRADES_KEPT);
		}
	}

	#move({ epoch, index, total, time }: Moment): void {
		this.#grows ||= this.#moment !== null && total > this.#moment.total;
		this.#moment = { epoch, index, total, time };
	}
}

function* pricesOf(depth: Depth): Iterable<bigint> {
	for (const level of depth.bids) yield level.price;
	for (const level of depth.asks) yield level.price;
	if (depth.lastTrade) yield depth.lastTrade.price;
}
