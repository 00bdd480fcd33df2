import { Problem } from '$lib/api/problem';
import type { Instrument, Publisher, Service, Tape } from '$lib/api/service';
import { backoff, pause } from '$lib/stream/backoff';
import type { LinkState } from '$lib/stream/protocol';
import type { Address } from './address';
import type { Playback } from './playback.svelte';

export interface DeskOptions {
	service: Service;
	playback: Playback;
	secondsBefore?: (attempt: number) => number;
}

/** What there is to look at, and which of it is looked at. */
export class Desk {
	#tapes = $state.raw<readonly Tape[] | null>(null);
	#instruments = $state.raw<readonly Instrument[]>([]);
	#tape = $state.raw<Tape | null>(null);
	#instrument = $state.raw<Instrument | null>(null);
	#publisher = $state.raw<Publisher | null>(null);
	#trouble = $state.raw<LinkState | null>(null);
	#notice = $state<string | null>(null);
	/** The wait before the list is asked for again; aborting it means now. */
	#pause = new AbortController();
	/** Only the latest question's answer counts. */
	#question = 0;

	constructor(private readonly options: DeskOptions) {}

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

	/** Why there is nothing to choose from yet. */
	get trouble(): LinkState | null {
		return this.#trouble;
	}

	/** What was asked for and is not here. */
	get notice(): string | null {
		return this.#notice;
	}

	/** What is shown, for the page's URL; `null` while nothing is. */
	get address(): Address | null {
		if (!this.#tape || !this.#instrument) return null;
		const choice = this.#instrument.publishers.length > 1;
		return {
			tape: this.#tape.id,
			instrument: nameInstrument(this.#instrument),
			publisher: choice ? (this.#publisher?.publisher ?? null) : null,
			speed: this.options.playback.speed
		};
	}

	/** Asks what there is and shows what the address says, or else the first. */
	async start(address: Address): Promise<void> {
		this.options.playback.setSpeed(address.speed);
		const tapes = await this.#ask(() => this.options.service.tapes());
		if (tapes === null) return;
		this.#tapes = tapes;
		const [tape, missed] = pick(tapes, address.tape, (each) => [each.id]);
		if (tape) await this.#show(tape, missed ? { ...address, instrument: null } : address);
		if (missed) this.#notice = `There is no tape “${address.tape}” here.`;
	}

	async chooseTape(id: string): Promise<void> {
		const tape = this.#tapes?.find((each) => each.id === id);
		if (tape) await this.#show(tape, null);
	}

	chooseInstrument(id: string): void {
		const instrument = this.#instruments.find((each) => String(each.instrument_id) === id);
		if (instrument) this.#play(instrument, instrument.publishers[0] ?? null);
	}

	choosePublisher(id: string): void {
		const publisher = this.#instrument?.publishers.find(
			(each) => String(each.publisher_id) === id
		);
		if (this.#instrument && publisher) this.#play(this.#instrument, publisher);
	}

	/** The notice was read. */
	dismiss(): void {
		this.#notice = null;
	}

	/** Asks again now for what could not be had. */
	retry(address: Address): void {
		if (this.#trouble?.name === 'waiting') this.#pause.abort();
		else void this.start(address);
	}

	async #show(tape: Tape, address: Address | null): Promise<void> {
		this.#tape = tape;
		this.#instruments = [];
		this.#instrument = null;
		this.#publisher = null;
		this.options.playback.clear();
		const instruments = await this.#ask(() => this.options.service.instruments(tape.id));
		if (instruments === null) return;
		this.#instruments = instruments;
		const [instrument, missed] = pick(instruments, address?.instrument ?? null, (each) => [
			String(each.instrument_id),
			nameInstrument(each)
		]);
		if (!instrument) return;
		const [publisher] = pick(
			instrument.publishers,
			missed ? null : (address?.publisher ?? null),
			(each) => [String(each.publisher_id), each.publisher]
		);
		this.#play(instrument, publisher);
		if (missed) this.#notice = `${tape.name} has no instrument “${address?.instrument}”.`;
	}

	#play(instrument: Instrument, publisher: Publisher | null): void {
		if (!this.#tape || !publisher) return;
		this.#notice = null;
		this.#instrument = instrument;
		this.#publisher = publisher;
		this.options.playback.show({
			tape: this.#tape.id,
			instrument: instrument.instrument_id,
			publisher: publisher.publisher_id
		});
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
				if (!error.temporary) {
					this.#trouble = { name: 'failed', why: error.message };
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

/** An instrument's symbol, or its id where the tape names none. */
export function nameInstrument(instrument: Instrument): string {
	return instrument.symbol ?? String(instrument.instrument_id);
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
