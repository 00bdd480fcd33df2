/** What a key press means to the page; `null` when it is meant for something else. */
export type Intent = 'toggle' | 'slower' | 'faster' | 'help';

const INTENTS: Record<string, Intent> = {
	' ': 'toggle',
	'[': 'slower',
	']': 'faster',
	'?': 'help'
};

/** Elements that do something of their own with keys. */
const TAKES_TEXT = 'input:not([type="range"]), textarea, select, [contenteditable]';
const TAKES_KEYS = '[role="listbox"], [role="dialog"], [role="combobox"][aria-expanded="true"]';
const TAKES_SPACE = 'button, a, [role="combobox"]';

export function intentOf(event: KeyboardEvent): Intent | null {
	if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return null;
	const intent = INTENTS[event.key] ?? null;
	const target = event.target as Element | null;
	if (intent === null || target?.closest?.(`${TAKES_TEXT}, ${TAKES_KEYS}`)) return null;
	if (intent === 'toggle' && (event.repeat || target?.closest?.(TAKES_SPACE))) return null;
	return intent;
}
