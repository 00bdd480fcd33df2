/** Collects what is told and lets a test wait for what it expects, without polling. */
export class Heard<T> {
	readonly all: T[] = [];
	#waiting: { wanted: (item: T) => boolean; resolve: (item: T) => void }[] = [];

	readonly tell = (item: T): void => {
		this.all.push(item);
		this.#waiting = this.#waiting.filter(({ wanted, resolve }) => {
			if (wanted(item)) resolve(item);
			return !wanted(item);
		});
	};

	/** The first item told, from now on or since `after`, that is wanted. */
	next(wanted: (item: T) => boolean, after = this.all.length): Promise<T> {
		const told = this.all.slice(after).find(wanted);
		if (told !== undefined) return Promise.resolve(told);
		return new Promise((resolve) => this.#waiting.push({ wanted, resolve }));
	}
}
