import { once } from 'node:events';
import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';

/** A line to a service that a test may cut, as a proxy or a tunnel does. */
export class Wire {
	readonly #sockets = new Set<Socket>();
	readonly #server: Server;
	/** Bytes that may still come from the service. */
	#left = Infinity;
	#release: () => void = () => undefined;

	constructor(service: string) {
		const { hostname, port } = new URL(service);
		this.#server = createServer((near) => {
			const far = connect(Number(port), hostname);
			near.pipe(far).pipe(near);
			far.on('data', ({ length }) => {
				this.#left -= length;
				if (this.#left > 0) return;
				far.unpipe(near).pause();
				const before = this.#release;
				this.#release = () => {
					before();
					far.pipe(near);
				};
			});
			for (const socket of [near, far]) {
				this.#sockets.add(socket);
				// A cut is seen at the other end.
				socket.on('error', () => undefined);
				socket.on('close', () => {
					this.#sockets.delete(socket);
					(socket === near ? far : near).destroy();
				});
			}
		});
	}

	/** Where to reach the service through it. */
	async open(): Promise<string> {
		this.#server.listen(0, '127.0.0.1');
		await once(this.#server, 'listening');
		return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
	}

	/** Passes so many more bytes of the service's, and then none until it is let go. */
	hold(bytes: number): void {
		this.#left = bytes;
	}

	letGo(): void {
		this.#left = Infinity;
		this.#release();
		this.#release = () => undefined;
	}

	/** Resets every connection; new ones are made as before. */
	cut(): void {
		for (const socket of this.#sockets) socket.resetAndDestroy();
	}

	async close(): Promise<void> {
		this.#server.close();
		this.cut();
		await once(this.#server, 'close');
	}
}
