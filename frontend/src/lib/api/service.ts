import createClient, {
	createFinalURL,
	createQuerySerializer,
	defaultPathSerializer,
	removeTrailingSlash,
	type Client
} from 'openapi-fetch';
import { Problem } from './problem';
import type { components, paths } from './schema';

type Schemas = components['schemas'];
export type Tape = Schemas['TapeDetails'];
export type Instrument = Schemas['InstrumentNode'];
export type Publisher = Instrument['publishers'][number];
export type ReplayState = Schemas['ReplayState'];
export type Fetch = Schemas['FetchDetails'];
export type NewReplay = Schemas['NewReplay'];
export type ReplayChange = Schemas['ReplayChange'];
export type Stride = Schemas['Step']['by'];

const DEPTH = '/api/v1/replays/{replay}/depth';
export type DepthQuery = NonNullable<paths[typeof DEPTH]['get']['parameters']['query']>;
export type View = NonNullable<DepthQuery['view']>;

/** The questions this page asks the service. Every answer that is not one is a `Problem`. */
export class Service {
	readonly #root: string;
	readonly #client: Client<paths>;

	/** `root` is where the service answers, as in `http://127.0.0.1:8000`; `key` is asked for before every request. */
	constructor(
		root: string,
		readonly key: () => string | null = () => null
	) {
		this.#root = removeTrailingSlash(root);
		this.#client = createClient<paths>({ baseUrl: this.#root, cache: 'no-store' });
		this.#client.use({
			onRequest: ({ request }) => {
				for (const [name, value] of Object.entries(credentials(key()))) {
					request.headers.set(name, value);
				}
			}
		});
	}

	/** A temporary `Problem` while the service loads tapes, or stops: what it does not have may still come. */
	async requireReady(): Promise<void> {
		const { response } = await this.#heard(this.#client.GET('/ready'));
		if (response.status === 503)
			throw new Problem('The service is still loading', true, 1, 503);
	}

	tapes(): Promise<Tape[]> {
		return this.#answer(this.#client.GET('/api/v1/tapes'));
	}

	tape(tape: string): Promise<Tape> {
		return this.#answer(
			this.#client.GET('/api/v1/tapes/{tape}', { params: { path: { tape } } })
		);
	}

	instruments(tape: string): Promise<Instrument[]> {
		return this.#answer(
			this.#client.GET('/api/v1/tapes/{tape}/instruments', { params: { path: { tape } } })
		);
	}

	replays(): Promise<ReplayState[]> {
		return this.#answer(this.#client.GET('/api/v1/replays'));
	}

	createReplay(body: NewReplay): Promise<ReplayState> {
		return this.#answer(this.#client.POST('/api/v1/replays', { body }));
	}

	control(replay: string, body: ReplayChange): Promise<ReplayState> {
		const params = { path: { replay } };
		return this.#answer(this.#client.PATCH('/api/v1/replays/{replay}', { params, body }));
	}

	fetches(): Promise<Fetch[]> {
		return this.#answer(this.#client.GET('/api/v1/fetches'));
	}

	cancelFetch(fetch: string): Promise<Fetch> {
		const params = { path: { fetch } };
		return this.#answer(this.#client.DELETE('/api/v1/fetches/{fetch}', { params }));
	}

	depthUrl(replay: string, query: DepthQuery): string {
		return createFinalURL(DEPTH, {
			baseUrl: this.#root,
			params: { path: { replay }, query },
			querySerializer: createQuerySerializer(),
			pathSerializer: defaultPathSerializer
		});
	}

	async #answer<T>(
		request: Promise<{ data?: T; error?: unknown; response: Response }>
	): Promise<T> {
		const { data, error, response } = await this.#heard(request);
		if (data === undefined) throw Problem.of(response, error);
		return data;
	}

	#heard<T>(request: Promise<T>): Promise<T> {
		return request.catch(() => {
			throw Problem.unreachable(this.#root);
		});
	}
}

/** The headers that say who is asking. */
export function credentials(key: string | null): Record<string, string> {
	return key === null ? {} : { Authorization: `Bearer ${key}` };
}
