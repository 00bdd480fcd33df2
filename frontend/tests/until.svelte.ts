/** Resolves as soon as what the condition reads makes it true. */
export function until(condition: () => boolean): Promise<void> {
	return new Promise((resolve) => {
		const stop = $effect.root(() => {
			$effect(() => {
				if (!condition()) return;
				resolve();
				queueMicrotask(() => stop());
			});
		});
	});
}
