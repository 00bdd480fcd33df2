import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The command as the build installs it, unless another one is to be tested. */
const BOOKTAPE =
	process.env.BOOKTAPE_BIN ??
	fileURLToPath(new URL('../../../.venv/bin/booktape', import.meta.url));

/** The same small market every time: four instruments, a few minutes of tape. */
const DEMO = ['demo', '--messages', '200000', '--instruments', '4', '--seed', '7'];

/** A `booktape demo` of the test's own, which it may stop and start again. */
export class DemoService {
	#process: ChildProcess | null = null;
	#url: string | null = null;

	get url(): string {
		if (this.#url === null) throw new Error('the service was not started');
		return this.#url;
	}

	/** Starts on a free port, or again on the port it had, and waits until it serves. */
	async start(): Promise<void> {
		const port = this.#url === null ? '0' : new URL(this.#url).port;
		const child = spawn(BOOKTAPE, [...DEMO, '--port', port], {
			stdio: ['ignore', 'pipe', 'pipe'],
			env: { ...process.env, NO_COLOR: '1' }
		});
		this.#process = child;
		const said: string[] = [];
		this.#url = await new Promise<string>((resolve, reject) => {
			for (const stream of [child.stdout, child.stderr]) {
				createInterface(stream).on('line', (line) => {
					said.push(line);
					const url = /http:\/\/[\w.:[\]]+/.exec(line)?.[0];
					if (url) resolve(url);
				});
			}
			child.on('error', reject);
			child.on('exit', (code) => {
				reject(new Error(`${BOOKTAPE} ended with ${code}:\n${said.join('\n')}`));
			});
		});
	}

	/** Asks it to end, as Ctrl-C does, and waits until it has. */
	async stop(): Promise<void> {
		const child = this.#process;
		if (child === null || child.exitCode !== null) return;
		const ended = once(child, 'exit');
		child.kill('SIGINT');
		await ended;
	}
}
