import type { Depth } from '$lib/market/depth';

/** Page to worker. */
export type Command =
	| {
			readonly type: 'open';
			readonly run: number;
			readonly url: string;
			readonly from: number;
			/** The stream has no clock: it comes as fast as it is read, so read as fast as is painted. */
			readonly unpaced: boolean;
	  }
	| { readonly type: 'close' }
	/** Do not wait out the pause before the next attempt. */
	| { readonly type: 'retry' }
	/** The last frame is on the screen: send the newest. */
	| { readonly type: 'painted' };

/** How the stream stands, in words where there is something to say. */
export type LinkState =
	/** No stream is wanted. */
	| { readonly name: 'closed' }
	| { readonly name: 'connecting' }
	| { readonly name: 'live' }
	| { readonly name: 'waiting'; readonly why: string; readonly seconds: number }
	| { readonly name: 'ended' }
	| { readonly name: 'failed'; readonly why: string };

/** Worker to page; `run` tells which `open` it answers, so that late ones are recognised. */
export type Report =
	| {
			readonly type: 'depth';
			readonly run: number;
			readonly depth: Depth;
			/** The tape began again since the depth before. */
			readonly jumped: boolean;
	  }
	| { readonly type: 'link'; readonly run: number; readonly state: LinkState };
