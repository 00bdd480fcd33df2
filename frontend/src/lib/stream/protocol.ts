import type { components } from '$lib/api/schema';
import type { ReplayState } from '$lib/api/service';
import type { Depth } from '$lib/market/depth';

/** Page to worker. */
export type Command =
	| {
			readonly type: 'open';
			readonly run: number;
			readonly url: string;
			/** Who is asking, where the service wants to know. */
			readonly key: string | null;
	  }
	| { readonly type: 'close' }
	/** Do not wait out the pause before the next attempt. */
	| { readonly type: 'retry' }
	/** The last frame is on the screen: send the newest. */
	| { readonly type: 'painted' };

/** Why the service said goodbye. */
export type ByeReason = components['schemas']['Bye']['reason'];
/** Goodbyes after which there is nothing to come back to. */
export type LastBye = Exclude<ByeReason, 'shutdown' | 'slow'>;

/** How the stream stands, in words where there is something to say. */
export type LinkState =
	/** No stream is wanted. */
	| { readonly name: 'closed' }
	| { readonly name: 'connecting' }
	| { readonly name: 'live' }
	| { readonly name: 'waiting'; readonly why: string; readonly seconds: number }
	| { readonly name: 'gone'; readonly why: LastBye }
	| { readonly name: 'failed'; readonly why: string; readonly status: number | null };

/** Worker to page; `run` tells which `open` it answers, so that late ones are recognised. */
export type Report =
	| {
			readonly type: 'depth';
			readonly run: number;
			readonly depth: Depth;
			/** The depth before does not lead up to this one: there was a jump, or a cut. */
			readonly jumped: boolean;
	  }
	| { readonly type: 'state'; readonly run: number; readonly state: ReplayState }
	| { readonly type: 'link'; readonly run: number; readonly state: LinkState };
