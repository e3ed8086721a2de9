import { rm, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import { privateCopy } from '../../files/private-copy.ts';
import type { PrivateCopy } from '../../files/private-copy.ts';
import type { TaskFile } from '../../files/task-file.ts';
import type { LogLevel } from '../../output/log-line.ts';
import { LineSplitter } from '../../output/line-splitter.ts';
import { cutText } from '../../output/utf8.ts';
import { endRun } from '../../process-table.ts';
import { failed, TaskAborted } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome, OutputSink } from '../executor.ts';
import { exitCode, exitText } from './exit-text.ts';
import { HostNamespaces } from './host-namespaces.ts';
import type { SecurityPolicy } from './security-policy.ts';
import { parseShellParams, taskEnvironment } from './shell-params.ts';
import type { ShellParams } from './shell-params.ts';
import { SpawnError, Spawner } from './spawner.ts';
import type { Spawned } from './spawner.ts';

export interface ShellExecutorOptions {
  /** Where commands run that name no folder, and where long ones lie as scripts. */
  readonly workFolder: string;
  readonly policy?: SecurityPolicy;
  /** Commands run in the host's namespaces: those of this process, by `nsenter`. */
  readonly hostPid?: number;
  /** Between TERM and KILL. */
  readonly killGraceMs?: number;
  /** Tells the agent's own log what the policy decided. */
  readonly audit?: (entry: { uid: string; command: string; allowed: boolean; reason: string }) => void;
}

const KILL_GRACE_MS = 10_000;
/** What may be begun elsewhere is told at 12 s without a Lease and must be gone at 18 s (design.md §4.4). */
const FENCED_GRACE_MS = 4_000;
/** After the command has ended, processes that it left may hold its output: what comes later is not the command's. */
const OUTPUT_GRACE_MS = 500;
/** Linux refuses a single argument of 128 KiB or more (MAX_ARG_STRLEN). */
const MAX_ARGUMENT_BYTES = 120 * 1024;
/** Tells a command where the task's file is. */
const FILE_VARIABLE = 'TIANGONG_FILE';
/** A command is shown in the log up to this length. */
const SHOWN_COMMAND_BYTES = 2048;

/** Runs a command with a shell, in its own process group and a clean environment. */
export class ShellExecutor implements Executor {
  readonly type = 'shell';
  readonly #options: ShellExecutorOptions;
  readonly #spawner: Spawner;
  readonly #host: HostNamespaces | undefined;

  constructor(options: ShellExecutorOptions) {
    this.#options = options;
    this.#spawner = new Spawner(options.workFolder);
    this.#host = options.hostPid === undefined ? undefined : new HostNamespaces(options.workFolder, options.hostPid);
  }

  /** Rejects with `HostUnreachable` when commands are to run on the host and cannot. */
  async prepare(): Promise<void> {
    await this.#host?.prepare();
    await this.#spawner.prepare();
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const { command, output, uid } = context;
    if (command.trim() === '') return failed('InvalidParams', 'command is empty');
    if (command.includes('\0')) return failed('InvalidParams', 'command may not contain NUL');
    const params = parseShellParams(context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    const verdict = this.#options.policy?.check(command, context.params);
    if (verdict !== undefined) {
      const shown = cutText(command, SHOWN_COMMAND_BYTES);
      this.#options.audit?.({ uid, command: shown, ...verdict });
      void output.log(
        'audit',
        `${verdict.allowed ? 'allowed' : 'denied'}: ${cutText(verdict.reason, SHOWN_COMMAND_BYTES)}`,
      );
      if (!verdict.allowed) return failed('SecurityPolicyViolation', `security validation failed: ${verdict.reason}`);
    }
    const missing = await this.#missing(params);
    if (missing !== undefined) return failed('InvalidParams', missing);
    const file = await this.#file(context);
    if (file !== undefined && 'state' in file) return file;
    return this.#execute(context, params, file?.path).finally(() => file?.remove());
  }

  async #execute(context: ExecutionContext, params: ShellParams, file: string | undefined): Promise<Outcome> {
    const { command, output, uid } = context;
    const seen = (path: string): string => this.#host?.pathOf(path) ?? path;
    const set = file === undefined ? params : { ...params, env: { ...params.env, [FILE_VARIABLE]: seen(file) } };
    void output.log('info', `Executing command: ${cutText(command, SHOWN_COMMAND_BYTES)}`);
    if (Buffer.byteLength(command) <= MAX_ARGUMENT_BYTES) return this.#run(context, set, ['-c', command]);
    const script = join(this.#options.workFolder, `.${uid}-${context.epoch}.sh`);
    await writeFile(script, command, { mode: 0o600 });
    return this.#run(context, set, [seen(script)]).finally(() => rm(script, { force: true }));
  }

  /** What the place where the command is to run lacks. */
  async #missing({ cwd, shell, env }: ShellParams): Promise<string | undefined> {
    const place = this.#host === undefined ? 'agent' : "agent's host";
    if (cwd !== undefined && !(await (this.#host?.hasFolder(cwd) ?? isFolder(cwd))))
      return `params.cwd: ${cwd} is not a folder on the ${place}`;
    // Elsewhere the start itself says so.
    const { PATH: path } = taskEnvironment(process.env, env, '');
    if (this.#host !== undefined && !(await this.#host.hasProgram(shell, path)))
      return `params.shell: ${shell} is not on the ${place}`;
    return undefined;
  }

  /** The command's own copy of the task's file; undefined when the task has none, an outcome when it cannot be had. */
  async #file(context: ExecutionContext): Promise<PrivateCopy | Outcome | undefined> {
    const { fileId, signal, output } = context;
    if (fileId === undefined || fileId === '') return undefined;
    const folder = join(this.#options.workFolder, `.file-${context.uid}-${context.epoch}`);
    let file: TaskFile | undefined;
    try {
      file = await context.file();
      const copy = await privateCopy(file, folder, signal);
      void output.log('info', `File ${file.name} (${file.bytes} bytes) is at $${FILE_VARIABLE}`);
      return copy;
    } catch (err) {
      if (signal.aborted) return failed('NotStarted', 'the task was stopped before its command was started');
      if (err instanceof FileUnavailable) return failed(err.reason, err.message);
      return failed('FileUnavailable', `the file could not be copied for the command: ${(err as Error).message}`);
    } finally {
      file?.release();
    }
  }

  async #run(context: ExecutionContext, params: ShellParams, args: readonly string[]): Promise<Outcome> {
    const { output, signal } = context;
    const run = `${context.uid}/${context.epoch}`;
    if (signal.aborted) return failed('NotStarted', 'the task was stopped before its command was started');
    const { workFolder } = this.#options;
    const cwd = params.cwd ?? this.#host?.folder ?? workFolder;
    const program = this.#host?.program(params.shell, args, cwd);
    let child: Spawned;
    try {
      child = await this.#spawner.spawn({
        ...(program ?? { file: params.shell, args }),
        // nsenter begins where the agent is, and goes to the host's folder by itself.
        cwd: program === undefined ? cwd : workFolder,
        env: taskEnvironment(process.env, params.env, run),
        ...(params.stdin === undefined ? {} : { stdin: params.stdin }),
      });
    } catch (err) {
      if (err instanceof SpawnError) return startFailure(err, params.shell);
      throw err;
    }
    const { pid } = child;
    context.processStarted(pid);
    const outputs = [follow(child.stdout, 'info', output), follow(child.stderr, 'error', output)];

    let ended: Promise<unknown> = Promise.resolve();
    const stuck = Promise.withResolvers<Error>();
    const stop = (): void => {
      const fenced = signal.reason instanceof TaskAborted && signal.reason.kind === 'Fenced';
      ended = endRun({ run, group: pid }, fenced ? FENCED_GRACE_MS : (this.#options.killGraceMs ?? KILL_GRACE_MS));
      // The kernel may hold a process that waits for a device, even against KILL.
      void ended.then(() => setTimeout(() => stuck.resolve(new Error('the process does not end')), OUTPUT_GRACE_MS));
    };
    signal.addEventListener('abort', stop, { once: true });
    // The signal may have been aborted while the command was being started.
    if (signal.aborted) stop();
    const exit = await Promise.race([child.exited, stuck.promise]);
    // Nobody watches the command any more, so it may not go on.
    if (exit instanceof Error) await endRun({ run, group: pid }, this.#options.killGraceMs ?? KILL_GRACE_MS);
    await Promise.all(outputs.map((followed) => followed.closed(OUTPUT_GRACE_MS)));
    signal.removeEventListener('abort', stop);
    await ended;
    if (outputs.some(({ cut }) => cut))
      void output.log(
        'warn',
        'The command left processes behind that hold its output; what they print from now on is not kept',
      );
    if (exit instanceof Error) return failed('CommandFailed', `command failed: ${exit.message}`);
    const text = exitText(exit);
    if (exit.code === 0) {
      void output.log('info', 'Command completed successfully');
      return { state: 'Succeeded', message: text, exitCode: 0 };
    }
    void output.log('error', `Command failed: ${text}`);
    return failed('CommandFailed', `command failed: ${text}`, exitCode(exit));
  }
}

function startFailure({ code }: SpawnError, shell: string): Outcome {
  if (code === 'ENOENT') return failed('InvalidParams', `params.shell: ${shell} is not on the agent`);
  if (code === 'EACCES') return failed('InvalidParams', `params.shell: ${shell} may not be executed`);
  return failed('CommandFailed', `command failed: the shell could not be started: ${code}`);
}

interface Followed {
  /** Resolves when the stream has ended, or `graceMs` after the call when somebody else holds it. */
  closed(graceMs: number): Promise<void>;
  /** Whether it was cut off by that grace. */
  readonly cut: boolean;
}

/** Brings what a stream carries to the result and, line by line, to the log, no faster than they take it. */
function follow(stream: Readable, level: LogLevel, output: OutputSink): Followed {
  const lines = new LineSplitter();
  let waiting = false;
  let cut = false;
  stream.on('data', (chunk: Buffer) => {
    const kept = output.write(chunk);
    const completed = lines.push(chunk);
    const logged = completed.length === 0 ? undefined : output.log(level, ...completed);
    if (kept === undefined && logged === undefined) return;
    waiting = true;
    stream.pause();
    void Promise.all([kept, logged]).then(() => {
      waiting = false;
      stream.resume();
    });
  });
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => {
      const rest = lines.end();
      if (rest.length > 0) void output.log(level, ...rest);
      resolve();
    });
    stream.on('error', () => undefined);
  });
  stream.resume();
  return {
    closed(graceMs) {
      const give = (): void => {
        // While the agent itself is behind, the pipe still holds what the command printed.
        if (waiting) {
          timer = setTimeout(give, graceMs);
          return;
        }
        cut = true;
        stream.destroy();
      };
      let timer = setTimeout(give, graceMs);
      return closed.then(() => clearTimeout(timer));
    },
    get cut() {
      return cut;
    },
  };
}

const isFolder = (path: string): Promise<boolean> =>
  stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
