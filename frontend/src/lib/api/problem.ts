/** What went wrong, in words for people: a refusal by the service, or the lack of any answer. */
export class Problem extends Error {
	override readonly name = 'Problem';

	constructor(
		message: string,
		/** The same question may be answered later. */
		readonly temporary: boolean,
		/** Seconds after which the service asks to be tried again. */
		readonly retryAfter: number | null = null
	) {
		super(message);
	}

	/** A refused request and its body: problem details (RFC 9457), or whatever a proxy made of it. */
	static of(response: Response, body: unknown): Problem {
		const seconds = Number.parseFloat(response.headers.get('Retry-After') ?? '');
		return new Problem(
			wordsOf(body) ??
				`The service answered ${response.status} ${response.statusText}`.trim(),
			response.status >= 500 || [408, 425, 429].includes(response.status),
			Number.isFinite(seconds) ? seconds : null
		);
	}

	/** What a failed `fetch` means: nobody answered. */
	static unreachable(url: string): Problem {
		return new Problem(`No answer from ${new URL(url).origin}`, true);
	}
}

/** The `detail` of problem details, or their `title`. */
function wordsOf(body: unknown): string | null {
	if (typeof body !== 'object' || body === null) return null;
	const { detail, title } = body as { detail?: unknown; title?: unknown };
	if (typeof detail === 'string' && detail) return detail;
	return typeof title === 'string' && title ? title : null;
}
