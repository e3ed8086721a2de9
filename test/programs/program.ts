import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface ProgramOptions {
  /** The program's folder, such as `operator`: its main.ts is run. */
  readonly name: string;
  readonly args: readonly string[];
  /** Arguments of node itself, such as --cpu-prof. */
  readonly nodeArgs?: readonly string[];
  /** Variables beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Where its log is kept, `<name>.log`, over all restarts. */
  readonly folder: string;
}

const ROOT = join(import.meta.dirname, '../..');

/** One of our programs as a process of its own, which can be killed and started again. */
export class Program {
  readonly #options: ProgramOptions;
  #child: ChildProcess | undefined;

  constructor(options: ProgramOptions) {
    this.#options = options;
  }

  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  /** Everything that it has written since the first start. */
  get log(): string {
    return readFileSync(this.#logFile, 'utf8');
  }

  start(): void {
    const { name, args, nodeArgs = [], env = {} } = this.#options;
    const log = openSync(this.#logFile, 'a');
    const child = spawn(process.execPath, [...nodeArgs, join(ROOT, name, 'main.ts'), ...args], {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...env },
    });
    closeSync(log);
    // A test run that is killed must not leave processes behind.
    const kill = (): boolean => child.kill('SIGKILL');
    process.once('exit', kill);
    child.once('exit', () => process.off('exit', kill));
    this.#child = child;
  }

  /** Ends it at once, without a chance to clean up. */
  kill(): Promise<void> {
    return this.#end('SIGKILL');
  }

  /** Ends it in good order. */
  stop(): Promise<void> {
    return this.#end('SIGTERM');
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const child = this.#child;
    if (child?.exitCode !== null || child.signalCode !== null) return;
    const exited = new Promise((resolve) => child.once('exit', resolve));
    child.kill(signal);
    await exited;
  }

  get #logFile(): string {
    return join(this.#options.folder, `${this.#options.name}.log`);
  }
}
