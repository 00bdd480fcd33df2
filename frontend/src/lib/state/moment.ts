const INDEX = /^[\d,_ ]+$/;
const CLOCK = /^(\d{1,2}):(\d{2})(?::(\d{2}(?:\.\d{1,9})?))?$/;

/**
 * What somebody typed as a place on the tape, as the service reads it: an index with or without
 * separators, a clock time (UTC) of `day`, or anything that the service knows itself.
 */
export function readMoment(text: string, day: string | null): string {
	const typed = text.trim();
	if (INDEX.test(typed)) return typed.replaceAll(/\D/g, '');
	const [, hours, minutes, seconds = '00'] = CLOCK.exec(typed) ?? [];
	if (hours === undefined || day === null) return typed;
	return `${day}T${hours.padStart(2, '0')}:${minutes}:${seconds}Z`;
}
