import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { request } from 'undici';
import type { ControlCommand } from './consumer-core.ts';
import type { ListenOptions } from './consumer.ts';
import type { ConsumerState } from './routes.ts';
import type { WireRow } from './row-key.ts';

interface Addresses {
  readonly url: string;
  readonly endpoint: string;
  readonly fusionEndpoint: string;
}

/** The consumer as a process of its own, which can be killed and started again at the same address. */
export class ConsumerProcess {
  readonly #options: ListenOptions;
  #child: ChildProcess | undefined;
  #addresses: Addresses | undefined;

  /** `options.file` keeps what it has got over kills. */
  constructor(options: ListenOptions = {}) {
    this.#options = options;
  }

  /** Known once it has been started, and the same after every start. */
  get addresses(): Addresses {
    if (this.#addresses === undefined) throw new Error('the consumer was not started');
    return this.#addresses;
  }

  async start(): Promise<void> {
    const port = this.#addresses === undefined ? [] : ['--port', new URL(this.#addresses.url).port];
    const main = join(import.meta.dirname, 'consumer-main.ts');
    const child = spawn(process.execPath, [main, ...port, '--options', JSON.stringify(this.#options)], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#child = child;
    const line = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
    if (line.done === true) throw new Error('the consumer ended before it listened');
    this.#addresses = JSON.parse(line.value) as Addresses;
  }

  /** With kill −9. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    await exited;
  }

  async control(command: ControlCommand): Promise<void> {
    await this.#ask('/control', JSON.stringify(command));
  }

  async state(): Promise<ConsumerState> {
    return (await this.#ask('/control')) as ConsumerState;
  }

  /** As `TestConsumer.rows`. */
  async rows(taskId: string): Promise<ReadonlyMap<string, WireRow>> {
    const rows = (await this.#ask(`/rows?task=${encodeURIComponent(taskId)}`)) as Record<string, WireRow>;
    return new Map(Object.entries(rows));
  }

  async #ask(path: string, body?: string): Promise<unknown> {
    const answer = await request(`${this.addresses.url}${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      body: body ?? null,
    });
    return JSON.parse(await text(answer.body)) as unknown;
  }
}
