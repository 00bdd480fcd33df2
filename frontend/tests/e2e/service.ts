import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

/** The command as the build installs it, unless another one is to be tested. */
export const BOOKTAPE =
	process.env.BOOKTAPE_BIN ??
	fileURLToPath(new URL('../../../.venv/bin/booktape', import.meta.url));
const PYTHON = fileURLToPath(new URL('../../../.venv/bin/python', import.meta.url));

/** A service of the test's own, which it may stop and start again. */
class ServiceProcess {
	#process: ChildProcess | null = null;
	#url: string | null = null;
	/** What the last one has said. */
	protected said: string[] = [];

	constructor(
		private readonly command: string,
		private readonly options: readonly string[],
		private readonly settings: Readonly<Record<string, string>> = {}
	) {}

	get url(): string {
		if (this.#url === null) throw new Error('the service was not started');
		return this.#url;
	}

	/** Starts on a free port, or again on the port it had, and waits until it serves. */
	async start(): Promise<void> {
		const port = this.#url === null ? '0' : new URL(this.#url).port;
		const child = spawn(this.command, [...this.options, '--port', port], {
			stdio: ['pipe', 'pipe', 'pipe'],
			env: { ...process.env, NO_COLOR: '1', ...this.settings }
		});
		this.#process = child;
		const said: string[] = (this.said = []);
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
				reject(new Error(`${this.command} ended with ${code}:\n${said.join('\n')}`));
			});
		});
	}

	/** Writes a line to its standard input. */
	tell(line: string): void {
		this.#process?.stdin?.write(`${line}\n`);
	}

	/** Asks it to end, as Ctrl-C does, and waits until it has. */
	async stop(): Promise<void> {
		const child = this.#process;
		if (child === null || child.exitCode !== null) return;
		const ended = once(child, 'exit');
		child.stdin?.end();
		child.kill('SIGINT');
		await ended;
	}
}

/** `booktape demo`: the same small market every time, four instruments, a few minutes of tape. */
export class DemoService extends ServiceProcess {
	constructor(settings: Readonly<Record<string, string>> = {}, more: readonly string[] = []) {
		const market = ['--messages', '200000', '--instruments', '4', '--seed', '7'];
		super(BOOKTAPE, ['demo', ...market, ...more], settings);
	}
}

/** A tape of one instrument that grows when it is told to. */
export class GrowingService extends ServiceProcess {
	constructor(records = 20_000) {
		const program = fileURLToPath(new URL('growing.py', import.meta.url));
		super(PYTHON, [program, '--records', String(records)]);
	}

	/** Has the tape grow to so many records. */
	growTo(records: number): void {
		this.tell(String(records));
	}
}

/** Two tapes, each loaded when it is told to. */
export class LoadingService extends ServiceProcess {
	constructor() {
		super(PYTHON, [fileURLToPath(new URL('loading.py', import.meta.url))]);
	}

	/** Has it load the next tape. */
	load(): void {
		this.tell('next');
	}
}

/** A tape with a name, a symbol and figures that are as long as they can be. */
export class WideService extends ServiceProcess {
	constructor() {
		super(PYTHON, [fileURLToPath(new URL('wide.py', import.meta.url))]);
	}
}

/** `booktape serve` with a data folder, and Databento's Historical API beside it. */
export class StoringService extends ServiceProcess {
	constructor(
		private readonly folder: string,
		files: readonly string[],
		settings: Readonly<Record<string, string>> = {}
	) {
		const options = ['serve', ...files, '--historical-port', '0'];
		super(BOOKTAPE, options, { ...settings, BOOKTAPE_DATA_DIR: folder });
	}

	/** Where the Historical API is. */
	get historical(): string {
		return /https:\/\/[\w.:[\]]+/.exec(this.said.join('\n'))?.[0] ?? '';
	}

	/** The file by which its certificate is trusted. */
	get authority(): string {
		return `${this.folder}/tls/ca.pem`;
	}
}
