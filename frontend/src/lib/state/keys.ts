/** What a key press means to the page; `null` when it is meant for something else. */
export type Intent =
	| 'toggle'
	| 'slower'
	| 'faster'
	| 'event-back'
	| 'event-on'
	| 'trade-back'
	| 'trade-on'
	| 'head'
	| 'go-to'
	| 'view'
	| 'help';

const INTENTS: Record<string, Intent> = {
	' ': 'toggle',
	'[': 'slower',
	']': 'faster',
	ArrowLeft: 'event-back',
	ArrowRight: 'event-on',
	e: 'head',
	End: 'head',
	g: 'go-to',
	v: 'view',
	'?': 'help'
};
const WITH_SHIFT: Partial<Record<Intent, Intent>> = {
	'event-back': 'trade-back',
	'event-on': 'trade-on'
};
/** Done again and again while the key is held. */
const REPEATS = new Set<Intent>([
	'slower',
	'faster',
	'event-back',
	'event-on',
	'trade-back',
	'trade-on'
]);

/** Elements that do something of their own with keys. */
const TAKES_TEXT = 'input:not([type="range"]), textarea, select, [contenteditable]';
const TAKES_KEYS = '[role="listbox"], [role="dialog"], [role="combobox"][aria-expanded="true"]';
const TAKES_SPACE = 'button, a, [role="combobox"]';
/** A closed list chooses by first letters. */
const TAKES_LETTERS = '[role="combobox"]';
/** The slider goes to its end. */
const TAKES_END = 'input[type="range"]';

export function intentOf(event: KeyboardEvent): Intent | null {
	if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
	const plain = INTENTS[event.key] ?? null;
	const isOn = (selector: string) =>
		Boolean((event.target as Element | null)?.closest?.(selector));
	if (plain === null || isOn(`${TAKES_TEXT}, ${TAKES_KEYS}`)) return null;
	const intent = (event.shiftKey && WITH_SHIFT[plain]) || plain;
	if (event.repeat && !REPEATS.has(intent)) return null;
	if (intent === 'toggle' && isOn(TAKES_SPACE)) return null;
	if (/^[a-z]$/.test(event.key) && isOn(TAKES_LETTERS)) return null;
	if (event.key === 'End' && isOn(TAKES_END)) return null;
	return intent;
}

/**
 * A button that was pressed with a pointer lets go of the keys: the space bar plays again, rather
 * than press it once more. Whoever goes by keys keeps their place.
 */
export function releaseFocus(event: MouseEvent): void {
	const focused = document.activeElement;
	if (event.detail === 0 || !(focused instanceof HTMLButtonElement)) return;
	if (focused.ariaExpanded !== 'true' && !focused.closest('[role="dialog"]')) focused.blur();
}
