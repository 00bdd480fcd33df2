/// <reference lib="webworker" />
import { DepthFeed } from './feed';
import type { Command } from './protocol';

const feed = new DepthFeed((report) => self.postMessage(report));

self.addEventListener('message', ({ data }: MessageEvent<Command>) => feed.obey(data));
// Back from a tunnel or from sleep: no reason to wait out the pause.
self.addEventListener('online', () => feed.obey({ type: 'retry' }));
