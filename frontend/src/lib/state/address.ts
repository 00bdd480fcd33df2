import { isSpeed, REAL_TIME, type Speed } from './speed';

/** What the page shows, as its URL says it. Instruments go by symbol where they have one. */
export interface Address {
	readonly tape: string | null;
	readonly instrument: string | null;
	readonly publisher: string | null;
	readonly speed: Speed;
}

export function readAddress(params: URLSearchParams): Address {
	const speed = params.get('speed');
	return {
		tape: params.get('tape'),
		instrument: params.get('instrument'),
		publisher: params.get('publisher'),
		speed: isSpeed(speed) ? speed : REAL_TIME
	};
}

/** Only what differs from the default, so that links stay short. */
export function writeAddress({ tape, instrument, publisher, speed }: Address): URLSearchParams {
	const params = new URLSearchParams();
	if (tape !== null) params.set('tape', tape);
	if (instrument !== null) params.set('instrument', instrument);
	if (publisher !== null) params.set('publisher', publisher);
	if (speed !== REAL_TIME) params.set('speed', speed);
	return params;
}
