import { expect, it } from 'vitest';
import { intentOf } from './keys';

/** A key press on an element that matches `selector`, or on the page itself. */
const press = (key: string, selector: string | null = null, more: Partial<KeyboardEvent> = {}) => {
	const closest = (asked: string) =>
		selector && asked.split(', ').includes(selector) ? {} : null;
	return intentOf({ key, target: { closest }, ...more } as unknown as KeyboardEvent);
};

it('knows the keys of the page', () => {
	expect(
		Object.fromEntries(
			['[', ']', ' ', 'g', 'v', 'e', 'End', '?', 'x'].map((key) => [key, press(key)])
		)
	).toEqual({
		'[': 'slower',
		']': 'faster',
		' ': 'toggle',
		g: 'go-to',
		v: 'view',
		e: 'head',
		End: 'head',
		'?': 'help',
		x: null
	});
});

it('steps by events, and by trades with shift', () => {
	expect([press('ArrowLeft'), press('ArrowRight')]).toEqual(['event-back', 'event-on']);
	expect(press('ArrowLeft', null, { shiftKey: true })).toBe('trade-back');
	expect(press('ArrowRight', null, { shiftKey: true })).toBe('trade-on');
});

it('knows the question mark, which takes shift on most keyboards', () => {
	expect(press('?', null, { shiftKey: true })).toBe('help');
});

it('leaves letters to a list that has the focus, and End to the slider', () => {
	expect(press('v', '[role="combobox"]')).toBeNull();
	expect(press('v', 'button')).toBe('view');
	expect(press('End', 'input[type="range"]')).toBeNull();
	expect(press('e', 'input[type="range"]')).toBe('head');
	expect(press('ArrowLeft', 'input[type="range"]')).toBe('event-back');
});

it('leaves shortcuts of the browser alone', () => {
	expect(press(']', null, { metaKey: true })).toBeNull();
	expect(press('[', null, { ctrlKey: true })).toBeNull();
});

it('leaves the space bar to a button that has the focus, but not the other keys', () => {
	expect(press(' ', 'button')).toBeNull();
	expect(press(']', 'button')).toBe('faster');
});

it('leaves every key to an open list or dialog', () => {
	expect(press(']', '[role="listbox"]')).toBeNull();
	expect(press(' ', '[role="dialog"]')).toBeNull();
});

it('toggles once however long the space bar is held, and steps on', () => {
	expect(press(' ', null, { repeat: true })).toBeNull();
	expect(press('ArrowRight', null, { repeat: true })).toBe('event-on');
});
