import DepthWorker from './depth.worker?worker';
import type { Command, Report } from './protocol';

/** The page's end of the line to whoever follows the stream. */
export interface Link {
	post(command: Command): void;
	listen(onReport: (report: Report) => void): void;
	close(): void;
}

/** Follows streams in a worker, so that neither reading nor decoding ever delays a paint. */
export function workerLink(): Link {
	const worker = new DepthWorker({ name: 'depth' });
	return {
		post: (command) => worker.postMessage(command),
		listen: (onReport) => {
			worker.onmessage = ({ data }: MessageEvent<Report>) => onReport(data);
		},
		close: () => worker.terminate()
	};
}
