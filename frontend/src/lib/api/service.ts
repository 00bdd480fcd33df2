import createClient, {
	createFinalURL,
	createQuerySerializer,
	defaultPathSerializer,
	removeTrailingSlash,
	type Client
} from 'openapi-fetch';
import { Problem } from './problem';
import type { components, paths } from './schema';

export type Tape = components['schemas']['TapeDetails'];
export type Instrument = components['schemas']['InstrumentNode'];
export type Publisher = Instrument['publishers'][number];

const DEPTH = '/api/v1/tapes/{tape}/depth';
type DepthRoute = paths[typeof DEPTH]['get']['parameters'];
/** `from` is left out: whoever follows the stream knows where it stands. */
export type DepthQuery = Omit<NonNullable<DepthRoute['query']>, 'from'>;

/** The questions this page asks the service. Every answer that is not one is a `Problem`. */
export class Service {
	readonly #root: string;
	readonly #client: Client<paths>;

	/** `root` is where the service answers, as in `http://127.0.0.1:8000`. */
	constructor(root: string) {
		this.#root = removeTrailingSlash(root);
		this.#client = createClient<paths>({ baseUrl: this.#root, cache: 'no-store' });
	}

	tapes(): Promise<Tape[]> {
		return this.#answer(this.#client.GET('/api/v1/tapes'));
	}

	instruments(tape: string): Promise<Instrument[]> {
		return this.#answer(
			this.#client.GET('/api/v1/tapes/{tape}/instruments', { params: { path: { tape } } })
		);
	}

	depthUrl(tape: string, query: DepthQuery): string {
		return createFinalURL(DEPTH, {
			baseUrl: this.#root,
			params: { path: { tape }, query },
			querySerializer: createQuerySerializer(),
			pathSerializer: defaultPathSerializer
		});
	}

	async #answer<T>(
		request: Promise<{ data?: T; error?: unknown; response: Response }>
	): Promise<T> {
		const { data, error, response } = await request.catch(() => {
			throw Problem.unreachable(this.#root);
		});
		if (data === undefined) throw Problem.of(response, error);
		return data;
	}
}
