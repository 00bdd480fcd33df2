import { expect, it } from 'vitest';
import { intentOf } from './keys';

/** A key press on an element that matches `selector`, or on the page itself. */
const press = (key: string, selector: string | null = null, more: Partial<KeyboardEvent> = {}) => {
	const closest = (asked: string) =>
		selector && asked.split(', ').includes(selector) ? {} : null;
	return intentOf({ key, target: { closest }, ...more } as unknown as KeyboardEvent);
};

it('knows the keys of the page', () => {
	expect(['[', ']', ' ', '?', 'x'].map((key) => press(key))).toEqual([
		'slower',
		'faster',
		'toggle',
		'help',
		null
	]);
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

it('toggles once however long the space bar is held', () => {
	expect(press(' ', null, { repeat: true })).toBeNull();
});
