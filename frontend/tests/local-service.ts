import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

export type Handler = (url: URL, response: ServerResponse, request: IncomingMessage) => void;

export interface LocalService {
	readonly root: string;
	/** The addresses asked for so far, in order. */
	readonly asked: readonly URL[];
	close(): Promise<void>;
}

/** A real HTTP server on a free port that answers as the test says. */
export async function localService(handler: Handler): Promise<LocalService> {
	const asked: URL[] = [];
	const server = createServer((request, response) => {
		const url = new URL(request.url ?? '/', 'http://localhost');
		asked.push(url);
		handler(url, response, request);
	});
	server.listen(0, '127.0.0.1');
	await once(server, 'listening');
	const { port } = server.address() as AddressInfo;
	return {
		root: `http://127.0.0.1:${port}`,
		asked,
		close: async () => {
			server.closeAllConnections();
			server.close();
			await once(server, 'close');
		}
	};
}

export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
	const type = status < 400 ? 'application/json' : 'application/problem+json';
	response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

/** Opens a stream of server-sent events; what follows is written with `write`. */
export function openEvents(response: ServerResponse): ServerResponse {
	return response.writeHead(200, { 'content-type': 'text/event-stream' });
}
