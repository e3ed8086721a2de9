import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { Server, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import type { Exit } from './exit-text.ts';
import type { SpawnEvent, SpawnRequest } from './spawn-messages.ts';

export interface Spawned {
  readonly pid: number;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** An error: the process that watched it has died, and nobody knows. */
  readonly exited: Promise<Exit | Error>;
}

/** A program could not be started; `code` says why as the system does, such as ENOENT. */
export class SpawnError extends Error {
  override readonly name = 'SpawnError';
  readonly code: string;

  constructor(code: string) {
    super(`the program could not be started: ${code}`);
    this.code = code;
  }
}

interface Pending {
  readonly started: (pid: number | SpawnError) => void;
  readonly ended: (exit: Exit | Error) => void;
}

/** Linux holds the path of a socket in 108 bytes. */
const MAX_SOCKET_PATH = 100;
/** A connection that does not name itself is none of ours. */
const NAME_TIMEOUT_MS = 5_000;

interface Helper {
  readonly process: ChildProcess;
  readonly server: Server;
  readonly socket: string;
}

/**
 * Starts programs through a small process of its own. The cost of a fork grows with the memory of who forks (measured:
 * 0.7 ms of CPU from a fresh Node, 3 ms from an agent of 100 MB, 6 ms at 300 MB), and it blocks the event loop.
 */
export class Spawner {
  readonly #folder: string;
  #helper: Promise<Helper> | undefined;
  #next = 0;
  readonly #pending = new Map<number, Pending>();
  readonly #streams = new Map<string, (socket: Socket) => void>();

  /** `folder`: where the socket lies. */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Starts the process, which `spawn` would do too. */
  async prepare(): Promise<void> {
    await (this.#helper ??= this.#start());
  }

  /** Starts a program in a process group of its own. Rejects with `SpawnError`. */
  async spawn(program: Pick<SpawnRequest, 'file' | 'args' | 'cwd' | 'env' | 'stdin'>): Promise<Spawned> {
    const helper = await (this.#helper ??= this.#start());
    const id = (this.#next += 1);
    const [stdoutToken, stderrToken] = [`${id}o${randomToken()}`, `${id}e${randomToken()}`];
    const streams = Promise.all([this.#stream(stdoutToken), this.#stream(stderrToken)]);
    const exited = Promise.withResolvers<Exit | Error>();
    const started = new Promise<number | SpawnError>((resolve) =>
      this.#pending.set(id, { started: resolve, ended: exited.resolve }),
    );
    const request: SpawnRequest = { id, ...program, socket: helper.socket, stdoutToken, stderrToken };
    helper.process.stdin?.write(`${JSON.stringify(request)}\n`);
    const pid = await started;
    if (pid instanceof SpawnError) {
      this.#pending.delete(id);
      for (const token of [stdoutToken, stderrToken]) this.#streams.delete(token);
      throw pid;
    }
    const [stdout, stderr] = await streams;
    return { pid, stdout, stderr, exited: exited.promise };
  }

  #stream(token: string): Promise<Socket> {
    return new Promise((resolve) => this.#streams.set(token, resolve));
  }

  async #start(): Promise<Helper> {
    const socket = await this.#socketPath();
    const server = createServer({ pauseOnConnect: false }, (connection) => this.#accept(connection));
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(socket, resolve);
    });
    const program = join(import.meta.dirname, `spawner-process${import.meta.filename.endsWith('.ts') ? '.ts' : '.js'}`);
    const flags = ['--max-semi-space-size=1', '--disable-warning=ExperimentalWarning'];
    const child = spawn(process.execPath, [...flags, program], { stdio: ['pipe', 'pipe', 'inherit'], env: {} });
    child.stdin.on('error', () => undefined);
    createInterface({ input: child.stdout }).on('line', (line) => this.#hear(JSON.parse(line) as SpawnEvent));
    child.once('close', () => this.#lose(server, socket));
    child.once('error', () => undefined);
    // It must not keep the agent alive: it ends with it.
    for (const handle of [child, child.stdin, child.stdout, server]) (handle as { unref?: () => void }).unref?.();
    return { process: child, server, socket };
  }

  async #socketPath(): Promise<string> {
    const path = join(this.#folder, `.spawn-${randomToken().slice(0, 8)}`);
    return Buffer.byteLength(path) <= MAX_SOCKET_PATH
      ? path
      : join(await mkdtemp(join(tmpdir(), 'tiangong-')), 'spawn');
  }

  #hear(event: SpawnEvent): void {
    const pending = this.#pending.get(event.id);
    if ('pid' in event) pending?.started(event.pid);
    else {
      if ('error' in event) pending?.started(new SpawnError(event.error));
      else pending?.ended(event);
      this.#pending.delete(event.id);
    }
  }

  /** The process has died: what it had started goes on, but its end will not be known. The next spawn starts another. */
  #lose(server: Server, socket: string): void {
    this.#helper = undefined;
    server.close();
    void rm(socket, { force: true });
    const pending = [...this.#pending.values()];
    this.#pending.clear();
    for (const { started, ended } of pending) {
      started(new SpawnError('the process that starts programs has died'));
      ended(new Error('the process that watched it has died'));
    }
  }

  /** The first line of a connection says which output it is. */
  #accept(connection: Socket): void {
    let head = Buffer.alloc(0);
    const timer = setTimeout(() => connection.destroy(), NAME_TIMEOUT_MS);
    connection.on('error', () => undefined);
    const read = (chunk: Buffer): void => {
      head = Buffer.concat([head, chunk]);
      const end = head.indexOf(0x0a);
      if (end < 0 && head.length < 256) return;
      clearTimeout(timer);
      connection.off('data', read);
      connection.pause();
      const token = head.subarray(0, Math.max(end, 0)).toString();
      const take = this.#streams.get(token);
      this.#streams.delete(token);
      if (take === undefined) return void connection.destroy();
      const rest = head.subarray(end + 1);
      if (rest.length > 0) connection.unshift(rest);
      take(connection);
    };
    connection.on('data', read);
  }
}

const randomToken = (): string => randomBytes(16).toString('hex');
