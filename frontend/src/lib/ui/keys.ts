/** The keys of the page, as its help lists them. */
export const KEYS: readonly (readonly [keys: readonly string[], what: string])[] = [
	[['space'], 'Play or pause'],
	[['←', '→'], 'An event of this book back or on'],
	[['shift ←', 'shift →'], 'A trade of this book back or on'],
	[['[', ']'], 'Slower, faster'],
	[['g'], 'Go to a time or an index'],
	[['e', 'End'], 'To the head of a tape that grows'],
	[['v'], 'The book as matched, or as published'],
	[['?'], 'This help']
];
