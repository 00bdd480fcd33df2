import { Problem } from '$lib/api/problem';
import type { Instrument, Publisher, ReplayState, Service, Tape, View } from '$lib/api/service';
import { backoff, pause } from '$lib/stream/backoff';
import type { LinkState } from '$lib/stream/protocol';
import type { Access } from './access.svelte';
import type { Address } from './address';
import type { Board } from './board.svelte';
import type { Loss, Playback } from './playback.svelte';

export interface DeskOptions {
	service: Service;
	playback: Playback;
	access: Access;
	board: Board;
	secondsBefore?: (attempt: number) => number;
}

/** What there is to look at, and which of it is looked at. */
export class Desk {
	#tapes = $state.raw<readonly Tape[] | null>(null);
	#instruments = $state.raw<readonly Instrument[]>([]);
	#tape = $state.raw<Tape | null>(null);
	#instrument = $state.raw<Instrument | null>(null);
	#publisher = $state.raw<Publisher | null>(null);
	#replay = $state.raw<ReplayState | null>(null);
	#view = $state<View>('matched');
	#trouble = $state.raw<LinkState | null>(null);
	/** The wait before the list is asked for again; aborting it means now. */
	#pause = new AbortController();
	/** Only the latest question's answer counts. */
	#question = 0;
	/** Shows a tape that was empty, as its address said. */
	#showFirst: ((tape: Tape) => Promise<void>) | null = null;

	constructor(private readonly options: DeskOptions) {
		options.playback.onLoss((loss) => void this.#recover(loss));
	}

	/** `null` until the service has answered. */
	get tapes(): readonly Tape[] | null {
		return this.#tapes;
	}

	/** Those of the chosen tape, most records first. */
	get instruments(): readonly Instrument[] {
		return this.#instruments;
	}

	get tape(): Tape | null {
		return this.#tape;
	}

	get instrument(): Instrument | null {
		return this.#instrument;
	}

	get publisher(): Publisher | null {
		return this.#publisher;
	}

	/** The book as the venue published it, or after matching what overlaps. */
	get view(): View {
		return this.#view;
	}

	/** Whether the replay that is followed came with the tape, so that everybody sees the same. */
	get shared(): boolean {
		return this.#replay?.default ?? true;
	}

	/** Why there is nothing to choose from yet. */
	get trouble(): LinkState | null {
		return this.#trouble;
	}

	/** What is shown, for the page's URL; `null` while nothing is. */
	get address(): Address | null {
		if (!this.#tape || !this.#instrument) return null;
		const choice = this.#instrument.publishers.length > 1;
		return {
			tape: this.#tape.id,
			instrument: nameInstrument(this.#instrument),
			publisher: choice ? (this.#publisher?.publisher ?? null) : null,
			view: this.#view,
			replay: this.shared ? null : (this.#replay?.id ?? null)
		};
	}

	/** Asks what there is and shows what the address says, or else the first. */
	async start(address: Address): Promise<void> {
		this.#view = address.view;
		const tapes = await this.#ask(() => this.#tapesWith(address.tape));
		if (tapes === null) return;
		this.#tapes = tapes;
		const [tape, missed] = pick(tapes, address.tape, (each) => [each.id]);
		if (tape) await this.#show(tape, missed ? null : address);
		else this.#clear(null);
		if (missed) this.options.board.say(`There is no tape “${address.tape}” here.`);
	}

	async chooseTape(id: string): Promise<void> {
		const tape = this.#tapes?.find((each) => each.id === id);
		if (tape) await this.#show(tape, null);
	}

	chooseInstrument(id: string): void {
		const instrument = this.#instruments.find((each) => String(each.instrument_id) === id);
		if (instrument) this.#play(instrument, instrument.publishers[0] ?? null, this.#replay);
	}

	choosePublisher(id: string): void {
		const publisher = this.#instrument?.publishers.find(
			(each) => String(each.publisher_id) === id
		);
		if (publisher) this.#play(this.#instrument, publisher, this.#replay);
	}

	chooseView(view: View): void {
		if (view === this.#view) return;
		this.#view = view;
		this.#play(this.#instrument, this.#publisher, this.#replay);
	}

	/** Asks again what there is to choose from: tapes come and go, and one that grows may get instruments. */
	async refresh(): Promise<void> {
		const { service } = this.options;
		const tape = this.#tape;
		const answers = await this.#try(() =>
			Promise.all([service.tapes(), tape ? service.instruments(tape.id) : []])
		);
		if (answers === null) return;
		this.#tapes = answers[0];
		if (tape?.id === this.#tape?.id) this.#instruments = answers[1];
	}

	/**
	 * Looks at what is new: a first tape, or gaps and first records of one that grows. Where there is
	 * trouble, its stream tells.
	 */
	async look(address: Address): Promise<void> {
		const tape = this.#tape;
		if (!tape) {
			const tapes = await this.options.service.tapes().catch(() => []);
			if (tapes.length > 0 && !this.#tape) await this.start(address);
			return;
		}
		const seen = await this.options.service.tape(tape.id).catch(() => null);
		if (seen === null || seen.id !== this.#tape?.id) return;
		this.#tape = seen;
		if (seen.books > 0) await this.#showFirst?.(seen);
	}

	/** Goes on from the present moment on a replay of one's own, which ends when nobody watches it. */
	async leave(): Promise<void> {
		const { playback, service } = this.options;
		const { state } = playback;
		if (state === null) return;
		const made = await this.#try(() =>
			service.createReplay({
				tape: state.tape,
				start: String(playback.index),
				playing: playback.playing,
				speed: playback.speed,
				loop: state.loop,
				longest_wait: state.longest_wait,
				when_unwatched: 'end'
			})
		);
		if (made) this.#play(this.#instrument, this.#publisher, made);
	}

	/** Goes back to the replay that everybody shares. */
	async join(): Promise<void> {
		const replays = await this.#try(() => this.options.service.replays());
		const shared = replays && sharedOf(replays, this.#tape);
		if (shared) this.#play(this.#instrument, this.#publisher, shared);
	}

	/** Asks again now for what could not be had. */
	retry(address: Address): void {
		if (this.#trouble?.name === 'waiting') this.#pause.abort();
		else if (this.#tape) void this.#show(this.#tape, address);
		else void this.start(address);
	}

	/** All tapes; where the one called `name`, or any at all, is not among them, once all are loaded. */
	async #tapesWith(name: string | null): Promise<Tape[]> {
		const { service } = this.options;
		const tapes = await service.tapes();
		if (tapes.some(({ id }) => name === null || id === name)) return tapes;
		await service.requireReady();
		return service.tapes();
	}

	async #show(tape: Tape, address: Address | null): Promise<void> {
		const { board, service } = this.options;
		board.clear();
		this.#clear(tape);
		const answers = await this.#ask(() =>
			Promise.all([service.instruments(tape.id), service.replays()])
		);
		if (answers === null) return;
		const [instruments, replays] = answers;
		this.#instruments = instruments;
		const [instrument, missed] = pick(instruments, address?.instrument ?? null, (each) => [
			String(each.instrument_id),
			nameInstrument(each)
		]);
		if (!instrument) {
			this.#showFirst = (filled) => this.#show(filled, address);
			return;
		}
		const [publisher] = pick(
			instrument.publishers,
			missed ? null : (address?.publisher ?? null),
			(each) => [String(each.publisher_id), each.publisher]
		);
		const asked = address?.replay ?? null;
		const own = replays.find((each) => each.id === asked && each.tape === tape.id);
		this.#play(instrument, publisher, own ?? sharedOf(replays, tape));
		if (missed) board.say(`${tape.name} has no instrument “${address?.instrument}”.`);
		else if (asked !== null && !own) board.say(`“${asked}” has ended. ${SHARED_SHOWN}`);
	}

	/** Shows nothing, until more is known of the tape. */
	#clear(tape: Tape | null): void {
		this.#tape = tape;
		this.#instruments = [];
		this.#instrument = null;
		this.#publisher = null;
		this.#replay = null;
		this.#showFirst = null;
		this.options.playback.clear();
	}

	#play(
		instrument: Instrument | null,
		publisher: Publisher | null,
		replay: ReplayState | null
	): void {
		const tape = this.#tape;
		if (!tape || !instrument || !publisher || !replay) return;
		this.options.board.clear();
		this.#instrument = instrument;
		this.#publisher = publisher;
		this.#replay = replay;
		this.options.playback.show({
			replay,
			instrument: instrument.instrument_id,
			publisher: publisher.publisher_id,
			view: this.#view,
			grows: tape.growing,
			first: tape.first_index
		});
	}

	/** Shows what is still there of what was shown. */
	async #recover(loss: Loss): Promise<void> {
		const address = this.address;
		if (address === null) return;
		if (loss === 'missing') {
			const replays = await this.#ask(() => this.options.service.replays());
			const lost = this.#replay;
			// It was something else that the service knows not, and has said so.
			if (!replays || replays.some(({ id, tape }) => id === lost?.id && tape === lost.tape))
				return;
		}
		await this.start(address);
	}

	/** Asks once, and says what is minded. */
	async #try<T>(question: () => Promise<T>): Promise<T | null> {
		const { access, board } = this.options;
		try {
			return await question();
		} catch (error) {
			if (!(error instanceof Problem)) throw error;
			if (error.needsKey && (await access.ask())) return this.#try(question);
			board.say((access.judge(error) ?? error).message);
			return null;
		}
	}

	/** Asks until there is an answer; `null` when there will be none, or another question came. */
	async #ask<T>(question: () => Promise<T>): Promise<T | null> {
		const mine = ++this.#question;
		for (let attempt = 0; ; attempt += 1) {
			try {
				const answer = await question();
				if (mine !== this.#question) return null;
				this.#trouble = null;
				return answer;
			} catch (error) {
				if (mine !== this.#question) return null;
				if (!(error instanceof Problem)) throw error;
				if (error.needsKey && (await this.options.access.ask())) continue;
				if (mine !== this.#question) return null;
				if (!error.temporary) {
					const { message: why, status } = error;
					this.#trouble = { name: 'failed', why, status };
					return null;
				}
				const seconds =
					error.retryAfter ?? (this.options.secondsBefore ?? backoff)(attempt);
				this.#trouble = { name: 'waiting', why: error.message, seconds };
				this.#pause = new AbortController();
				await pause(seconds, this.#pause.signal);
			}
		}
	}
}

const SHARED_SHOWN = 'This is the replay that everybody shares.';

/** An instrument's symbol, or its id where the tape names none. */
export function nameInstrument(instrument: Instrument): string {
	return instrument.symbol ?? String(instrument.instrument_id);
}

function sharedOf(replays: readonly ReplayState[], tape: Tape | null): ReplayState | null {
	return replays.find((each) => each.default && each.tape === tape?.id) ?? null;
}

/** The one that goes by `name`, or the first, saying whether the name was missed. */
function pick<T>(
	items: readonly T[],
	name: string | null,
	namesOf: (item: T) => string[]
): [T | null, boolean] {
	const first = items[0] ?? null;
	if (name === null) return [first, false];
	const named = items.find((item) => namesOf(item).includes(name));
	return named ? [named, false] : [first, true];
}
