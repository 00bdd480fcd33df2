import { DepthFeed } from '../src/lib/stream/feed';
import type { Link } from '../src/lib/stream/link';
import type { Report } from '../src/lib/stream/protocol';

/** What the worker does, without a worker: tests run the same code in one thread. */
export function directLink(): Link {
	let onReport: (report: Report) => void = () => undefined;
	const feed = new DepthFeed(
		(report) => onReport(report),
		() => 0
	);
	return {
		post: (command) => feed.obey(command),
		listen: (listener) => (onReport = listener),
		close: () => feed.obey({ type: 'close' })
	};
}
