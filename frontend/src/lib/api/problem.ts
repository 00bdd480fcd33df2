/** What went wrong, in words for people: a refusal by the service, or the lack of any answer. */
export class Problem extends Error {
	override readonly name = 'Problem';

	constructor(
		message: string,
		/** The same question may be answered later. */
		readonly temporary: boolean,
		/** Seconds after which the service asks to be tried again. */
		readonly retryAfter: number | null = null,
		/** The status of the service's answer, where there was one. */
		readonly status: number | null = null
	) {
		super(message);
	}

	/** A refused request and its body: problem details (RFC 9457), or whatever a proxy made of it. */
	static of(response: Response, body: unknown): Problem {
		const { status, statusText } = response;
		const seconds = Number.parseFloat(response.headers.get('Retry-After') ?? '');
		return new Problem(
			wordsOf(body) ?? `The service answered ${status} ${statusText}`.trim(),
			status >= 500 || [408, 425, 429].includes(status),
			Number.isFinite(seconds) ? seconds : null,
			status
		);
	}

	/** What a failed `fetch` means: nobody answered. */
	static unreachable(url: string): Problem {
		return new Problem(`No answer from ${new URL(url).origin}`, true);
	}

	/** Nobody has said who is asking, or nobody the service knows. */
	get needsKey(): boolean {
		return this.status === 401;
	}
}

/** The `detail` of problem details, or their `title`. */
function wordsOf(body: unknown): string | null {
	if (typeof body !== 'object' || body === null) return null;
	const { detail, title } = body as { detail?: unknown; title?: unknown };
	if (typeof detail === 'string' && detail) return detail;
	return typeof title === 'string' && title ? title : null;
}
