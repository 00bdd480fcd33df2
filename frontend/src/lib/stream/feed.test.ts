import { afterEach, describe, expect, it } from 'vitest';
import { event } from '../../../tests/frames';
import {
	localService,
	openEvents,
	sendJson,
	type Handler,
	type LocalService
} from '../../../tests/local-service';
import { Heard } from '../../../tests/heard';
import { DepthFeed } from './feed';
import type { LinkState, Report } from './protocol';

let service: LocalService | null = null;
let feed: DepthFeed | null = null;

afterEach(async () => {
	feed?.obey({ type: 'close' });
	await service?.close();
});

/** Follows a stream of a server that answers the nth request with the nth handler, the last again. */
async function follow(handlers: Handler[], secondsBefore: (attempt: number) => number = () => 0) {
	let requests = 0;
	service = await localService((...request) => {
		handlers[Math.min(requests, handlers.length - 1)]?.(...request);
		requests += 1;
	});
	const heard = new Heard<Report>();
	const opened = new DepthFeed((report) => {
		heard.tell(report);
		if (report.type === 'depth') opened.obey({ type: 'painted' });
	}, secondsBefore);
	feed = opened;
	opened.obey({
		type: 'open',
		run: 1,
		url: `${service.root}/depth?speed=1`,
		from: 0,
		unpaced: false
	});
	return { heard, feed: opened, service };
}

const reaches = (name: LinkState['name']) => (report: Report) =>
	report.type === 'link' && report.state.name === name;
const shows = (index: number) => (report: Report) =>
	report.type === 'depth' && report.depth.index === index;

const stay: Handler = (url, response) => {
	openEvents(response).write(event({ index: Number(url.searchParams.get('from')) + 1 }));
};

describe('DepthFeed', () => {
	it('decodes what it reads and says when it is over', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(
					event({ index: 5, last_trade: ['64790000000', 2, 'A'], volume: 2 }) +
						': stream_end\n\n'
				);
			}
		]);
		await heard.next(reaches('ended'), 0);
		const report = heard.all.find(shows(5));
		expect(report?.type === 'depth' && report.depth).toMatchObject({
			index: 5,
			time: 1_758_750_439_123_456_789n,
			bids: [{ price: 64_780_000_000n, size: 3, count: 1 }],
			asks: [{ price: 65_400_000_000n, size: 1, count: 1 }],
			lastTrade: { price: 64_790_000_000n, size: 2, aggressor: 'A' },
			volume: 2
		});
		const names = heard.all.flatMap((each) => (each.type === 'link' ? [each.state.name] : []));
		expect(names).toEqual(['connecting', 'live', 'ended']);
	});

	it('comes back from the record where it was cut', async () => {
		const { heard, service } = await follow([
			(_, response) => {
				openEvents(response).write(event({ index: 41 }), () => response.destroy());
			},
			stay
		]);
		await heard.next(shows(42), 0);
		expect(service.asked.map((url) => url.searchParams.get('from'))).toEqual(['0', '41']);
		expect(heard.all.some(reaches('waiting'))).toBe(true);
	});

	it('comes back after the service says goodbye', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(
					event({ index: 41 }) + 'event: bye\ndata: {"reason":"shutdown","index":41}\n\n'
				);
			},
			stay
		]);
		const waiting = await heard.next(reaches('waiting'), 0);
		expect(waiting).toMatchObject({ state: { why: 'The service is stopping' } });
		await heard.next(shows(42), 0);
	});

	it('does not take a body that just stops for the end of the tape', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(event({ index: 41 }));
			},
			stay
		]);
		await heard.next(shows(42), 0);
		expect(heard.all.some(reaches('ended'))).toBe(false);
	});

	it('goes on counting volume over a cut, and anew after a jump', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).end(event({ index: 41, volume: 10 }));
			},
			(_, response) => {
				openEvents(response).write(
					event({ index: 42, volume: 3 }) +
						'event: jump\ndata: {"index":0,"reason":"loop"}\n\n' +
						event({ index: 2, volume: 1 })
				);
			}
		]);
		await heard.next(shows(2), 0);
		const depths = heard.all.flatMap((each) => (each.type === 'depth' ? [each] : []));
		expect(depths.map(({ depth, jumped }) => [depth.index, depth.volume, jumped])).toEqual([
			[41, 10, false],
			[42, 13, false],
			[2, 1, true]
		]);
	});

	it('stops at a refusal and repeats its words', async () => {
		const { heard, service } = await follow([
			(_, response) => sendJson(response, { title: 'Not found', detail: 'no tape “x”' }, 404)
		]);
		const failed = await heard.next(reaches('failed'), 0);
		expect(failed).toMatchObject({ state: { why: 'no tape “x”' } });
		expect(service.asked).toHaveLength(1);
	});

	it('stops at what it cannot read, rather than asking for it for ever', async () => {
		const { heard } = await follow([
			(_, response) => {
				openEvents(response).write('data: {"index":1}\n\n');
			}
		]);
		const failed = await heard.next(reaches('failed'), 0);
		expect(failed).toMatchObject({ state: { why: expect.stringContaining('{"index":1}') } });
	});

	it('waits as long as a busy service asks', async () => {
		const { heard, feed } = await follow([
			(_, response) => {
				response.setHeader('Retry-After', '3600');
				sendJson(response, { title: 'Too many streams' }, 503);
			},
			stay
		]);
		const waiting = await heard.next(reaches('waiting'), 0);
		expect(waiting).toMatchObject({ state: { why: 'Too many streams', seconds: 3600 } });
		feed.obey({ type: 'retry' });
		await heard.next(shows(1), 0);
	});

	it('waits longer after every failure in a row', async () => {
		const attempts: number[] = [];
		const { heard } = await follow(
			[
				(_, response) => response.destroy(),
				(_, response) => response.destroy(),
				(_, response) => {
					openEvents(response).end(event({ index: 1 }));
				},
				(_, response) => response.destroy(),
				stay
			],
			(attempt) => {
				attempts.push(attempt);
				return 0;
			}
		);
		await heard.next(shows(2), 0);
		expect(attempts).toEqual([0, 1, 0, 1]);
	});

	it('leaves the old stream when another is opened', async () => {
		const left = new Heard<string>();
		const { heard, feed, service } = await follow([
			(url, response, request) => {
				stay(url, response, request);
				request.on('close', () => left.tell(url.search));
			}
		]);
		await heard.next(shows(1), 0);
		feed.obey({
			type: 'open',
			run: 2,
			url: `${service.root}/depth?speed=2`,
			from: 10,
			unpaced: false
		});
		expect(await heard.next(shows(11))).toMatchObject({ run: 2 });
		await left.next((search) => search === '?speed=1&from=0', 0);
	});

	it('reads a stream without a clock no faster than the screen paints', async () => {
		const events = Array.from({ length: 2000 }, (_, index) => event({ index: index + 1 }));
		service = await localService((_, response) => {
			openEvents(response).end(events.join('') + ': stream_end\n\n');
		});
		const url = `${service.root}/depth`;
		const start = (unpaced: boolean) => {
			const heard = new Heard<Report>();
			const started = new DepthFeed(heard.tell);
			started.obey({ type: 'open', run: 1, url, from: 0, unpaced });
			return { heard, paint: () => started.obey({ type: 'painted' }) };
		};
		const held = start(true);
		await held.heard.next(shows(1), 0);
		// One that does not wait for the screen is over, although it began later.
		await start(false).heard.next(reaches('ended'), 0);
		expect(held.heard.all.some(reaches('ended'))).toBe(false);
		while (!held.heard.all.some(reaches('ended'))) {
			const told = held.heard.all.length;
			held.paint();
			await held.heard.next(() => true, told);
		}
		expect(held.heard.all.some(shows(2000))).toBe(true);
	});

	it('says nothing more once closed', async () => {
		const left = new Heard<string>();
		const { heard, feed } = await follow([
			(url, response, request) => {
				stay(url, response, request);
				request.on('close', () => left.tell(url.search));
			}
		]);
		await heard.next(shows(1), 0);
		const told = heard.all.length;
		feed.obey({ type: 'close' });
		await left.next(() => true, 0);
		expect(heard.all).toHaveLength(told);
	});
});
