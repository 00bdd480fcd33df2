import { afterEach, describe, expect, it } from 'vitest';
import { bye, event, replay, state } from '../../../tests/frames';
import { Heard } from '../../../tests/heard';
import {
	localService,
	openEvents,
	sendJson,
	type Handler,
	type LocalService
} from '../../../tests/local-service';
import { DepthFeed } from './feed';
import type { LinkState, Report } from './protocol';

let service: LocalService | null = null;
let feed: DepthFeed | null = null;

afterEach(async () => {
	feed?.obey({ type: 'close' });
	await service?.close();
});

/** Follows a stream of a server that answers the nth request with the nth handler, the last again. */
async function follow(
	handlers: Handler[],
	{
		secondsBefore = () => 0,
		key = null
	}: { secondsBefore?: (attempt: number) => number; key?: string | null } = {}
) {
	let requests = 0;
	const headers: (string | undefined)[][] = [];
	service = await localService((...request) => {
		const { authorization, 'last-event-id': lastId } = request[2].headers;
		headers.push([lastId as string | undefined, authorization]);
		handlers[Math.min(requests, handlers.length - 1)]?.(...request);
		requests += 1;
	});
	const heard = new Heard<Report>();
	const opened = new DepthFeed((report) => {
		heard.tell(report);
		if (report.type === 'depth') opened.obey({ type: 'painted' });
	}, secondsBefore);
	feed = opened;
	opened.obey({ type: 'open', run: 1, url: `${service.root}/depth?hz=20`, key });
	return { heard, feed: opened, service, headers };
}

const reaches = (name: LinkState['name']) => (report: Report) =>
	report.type === 'link' && report.state.name === name;
const shows = (index: number) => (report: Report) =>
	report.type === 'depth' && report.depth.index === index;
const namesOf = (reports: readonly Report[]) =>
	reports.flatMap((each) => (each.type === 'link' ? [each.state.name] : []));
const depthsOf = (reports: readonly Report[]) =>
	reports.flatMap((each) => (each.type === 'depth' ? [[each.depth.index, each.jumped]] : []));

/** Sends the state and one frame, and stays. */
const stay =
	(index = 42): Handler =>
	(_, response) => {
		openEvents(response).write(state() + event({ index }));
	};

describe('DepthFeed', () => {
	it('decodes what it reads, and is live with the first state', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).write(
					state({ playing: false, watchers: 3 }) +
						event({ index: 5, last_trade: ['64790000000', 2, 'A'], volume: 2 })
				);
			}
		]);
		const report = await heard.next(shows(5), 0);
		expect(report.type === 'depth' && report.depth).toMatchObject({
			epoch: 1,
			index: 5,
			time: 1_758_750_439_123_456_789n,
			bids: [{ price: 64_780_000_000n, size: 3, count: 1 }],
			asks: [{ price: 65_400_000_000n, size: 1, count: 1 }],
			lastTrade: { price: 64_790_000_000n, size: 2, aggressor: 'A' },
			volume: 2
		});
		expect(heard.all.find(({ type }) => type === 'state')).toEqual({
			type: 'state',
			run: 1,
			state: replay({ playing: false, watchers: 3 })
		});
		expect(namesOf(heard.all)).toEqual(['connecting', 'live']);
	});

	it('comes back with the id that it saw last, and says that the book has moved meanwhile', async () => {
		const { heard, headers } = await follow([
			(_, response) => {
				openEvents(response).write(state() + event({ index: 41 }), () =>
					response.destroy()
				);
			},
			stay()
		]);
		await heard.next(shows(42), 0);
		expect(headers.map(([lastId]) => lastId)).toEqual([undefined, '1:41']);
		expect(depthsOf(heard.all)).toEqual([
			[41, true],
			[42, true]
		]);
	});

	it('comes back when the service goes, or could not wait', async () => {
		const { heard, headers } = await follow([
			(_, response) => {
				openEvents(response).end(state() + event({ index: 41 }) + bye('shutdown', 41));
			},
			(_, response) => {
				openEvents(response).end(state() + bye('slow', 41));
			},
			stay()
		]);
		await heard.next(shows(42), 0);
		const whys = heard.all.flatMap((each) =>
			each.type === 'link' && each.state.name === 'waiting' ? [each.state.why] : []
		);
		expect(whys).toEqual(['The service is stopping', 'This page could not keep up']);
		expect(headers.map(([lastId]) => lastId)).toEqual([undefined, '1:41', '1:41']);
	});

	it.each(['ended', 'removed'] as const)('does not come back to what was %s', async (why) => {
		const { heard, service } = await follow([
			(_, response) => {
				openEvents(response).end(state() + bye(why));
			}
		]);
		expect(await heard.next(reaches('gone'), 0)).toMatchObject({ state: { why } });
		expect(service.asked).toHaveLength(1);
	});

	it('does not take a body that just stops for a goodbye', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(state() + event({ index: 41 }));
			},
			stay()
		]);
		await heard.next(shows(42), 0);
		expect(heard.all.some(reaches('gone'))).toBe(false);
	});

	it('shows nothing of an epoch that is over', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).write(
					state() +
						event({ index: 41 }) +
						state({ epoch: 2, index: 10 }) +
						event({ index: 43 }) +
						'id: 2:10\nevent: jump\ndata: {"index":10,"reason":"seek"}\n\n' +
						event({ index: 10 }, 2)
				);
			}
		]);
		await heard.next(shows(10), 0);
		expect(depthsOf(heard.all)).toEqual([
			[41, true],
			[10, true]
		]);
	});

	it('follows a service that was started again on an earlier clock', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(state({ epoch: 9 }) + event({ index: 41 }, 9));
			},
			(_, response) => {
				openEvents(response).write(state({ epoch: 5 }) + event({ index: 3 }, 5));
			}
		]);
		await heard.next(shows(3), 0);
	});

	it('says who is asking', async () => {
		const { heard, headers } = await follow([stay()], { key: 'bt_1' });
		await heard.next(shows(42), 0);
		expect(headers).toEqual([[undefined, 'Bearer bt_1']]);
	});

	it('stops at a refusal and repeats its words', async () => {
		const { heard, service } = await follow([
			(_, response) =>
				sendJson(response, { title: 'Not found', detail: 'no replay “x”' }, 404)
		]);
		const failed = await heard.next(reaches('failed'), 0);
		expect(failed).toMatchObject({ state: { why: 'no replay “x”', status: 404 } });
		expect(service.asked).toHaveLength(1);
	});

	it.each([
		'id: 1:1\ndata: {"index":1}\n\n',
		'data: {"index":1}\n\n',
		'event: state\ndata: {"index":1\n\n'
	])('stops at what it cannot read, rather than asking for it for ever: %j', async (sent) => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).write(sent);
			}
		]);
		const failed = await heard.next(reaches('failed'), 0);
		expect(failed).toMatchObject({ state: { why: expect.stringContaining('{"index":1') } });
	});

	it('waits as long as a busy service asks', async () => {
		const { heard, feed } = await follow([
			(_, response) => {
				response.setHeader('Retry-After', '3600');
				sendJson(response, { title: 'Too many streams' }, 503);
			},
			stay()
		]);
		const waiting = await heard.next(reaches('waiting'), 0);
		expect(waiting).toMatchObject({ state: { why: 'Too many streams', seconds: 3600 } });
		feed.obey({ type: 'retry' });
		await heard.next(shows(42), 0);
	});

	it('waits longer after every failure in a row', async () => {
		const attempts: number[] = [];
		const { heard } = await follow(
			[
				(_, response) => response.destroy(),
				(_, response) => response.destroy(),
				(_, response) => {
					openEvents(response).end(state() + event({ index: 1 }));
				},
				(_, response) => response.destroy(),
				stay()
			],
			{
				secondsBefore: (attempt) => {
					attempts.push(attempt);
					return 0;
				}
			}
		);
		await heard.next(shows(42), 0);
		expect(attempts).toEqual([0, 1, 0, 1]);
	});

	it('leaves the old stream when another is opened', async () => {
		const left = new Heard<string>();
		const { heard, feed, service } = await follow([
			(url, response, request) => {
				stay()(url, response, request);
				request.on('close', () => left.tell(url.search));
			}
		]);
		await heard.next(shows(42), 0);
		const url = `${service.root}/depth?hz=4`;
		feed.obey({ type: 'open', run: 2, url, key: null });
		expect(await heard.next(shows(42))).toMatchObject({ run: 2 });
		await left.next((search) => search === '?hz=20', 0);
	});

	it('says nothing more once closed', async () => {
		const left = new Heard<string>();
		const { heard, feed } = await follow([
			(url, response, request) => {
				stay()(url, response, request);
				request.on('close', () => left.tell(url.search));
			}
		]);
		await heard.next(shows(42), 0);
		const told = heard.all.length;
		feed.obey({ type: 'close' });
		await left.next(() => true, 0);
		expect(heard.all).toHaveLength(told);
	});
});
