import type { View } from '$lib/api/service';

/** What the page shows, as its URL says it. Instruments go by symbol where they have one. */
export interface Address {
	readonly tape: string | null;
	readonly instrument: string | null;
	readonly publisher: string | null;
	readonly view: View;
	/** `null` for the one that came with the tape, which everybody shares. */
	readonly replay: string | null;
}

export function readAddress(params: URLSearchParams): Address {
	return {
		tape: params.get('tape'),
		instrument: params.get('instrument'),
		publisher: params.get('publisher'),
		view: params.get('view') === 'published' ? 'published' : 'matched',
		replay: params.get('replay')
	};
}

/** Only what differs from the default, so that links stay short. */
export function writeAddress(address: Address): URLSearchParams {
	const params = new URLSearchParams();
	for (const name of ['tape', 'instrument', 'publisher', 'replay'] as const) {
		const value = address[name];
		if (value !== null) params.set(name, value);
	}
	if (address.view !== 'matched') params.set('view', address.view);
	return params;
}
