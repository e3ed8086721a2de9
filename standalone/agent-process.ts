import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { writePrivateFile } from './private-file.ts';
import { processStartTicks } from './process-identity.ts';

export interface AgentProcessOptions {
  /** The program and its arguments. */
  readonly command: readonly [string, ...string[]];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Says which process runs, so that the next start finds it. */
  readonly pidFile: string;
  readonly logFile: string;
  readonly logger: Logger;
}

interface Known {
  readonly pid: number;
  readonly startTicks: string;
  readonly command: readonly string[];
}

/** How often a process that is not our child is looked at. */
const POLL_MS = 500;
const MIN_RESTART_MS = 1_000;
const MAX_RESTART_MS = 30_000;
/** A process that has run for this long was healthy: the next restart is quick again. */
const HEALTHY_MS = 60_000;
/** An agent lets its tasks finish for DRAIN_SECONDS, kills them within 10 s more, and reports; beyond that it is stuck. */
const STOP_DEADLINE_MS = 35_000;

/**
 * Keeps one agent running as a process of its own. An agent outlives a crash of `tiangong up`, as on Kubernetes an agent
 * outlives its API server, and finishes its tasks; the next start adopts it instead of starting a second one.
 */
export class AgentProcess {
  readonly #options: AgentProcessOptions;

  constructor(options: AgentProcessOptions) {
    this.#options = options;
  }

  /**
   * Runs until the signal aborts; then ends the agent, which lets its tasks finish for a while unless `hurry` aborts
   * too, and resolves once it is gone.
   */
  async run(signal: AbortSignal, hurry: AbortSignal): Promise<void> {
    const { logger } = this.#options;
    let failures = 0;
    let known = await this.#adopt();
    while (!signal.aborted) {
      const startedAt = performance.now();
      known ??= await this.#spawn();
      await this.#gone(known, signal);
      if (signal.aborted) break;
      known = undefined;
      failures = performance.now() - startedAt > HEALTHY_MS ? 0 : failures + 1;
      const delayMs = Math.min(MAX_RESTART_MS, MIN_RESTART_MS * 2 ** failures);
      logger.error({ logFile: this.#options.logFile, delayMs }, 'the agent ended by itself and is started again');
      await sleep(delayMs, undefined, { signal }).catch(() => {});
    }
    if (known !== undefined) await this.#end(known, hurry);
  }

  async #adopt(): Promise<Known | undefined> {
    const { pidFile, command, logger } = this.#options;
    const known = readKnown(pidFile);
    if (known === undefined || !isAlive(known)) return undefined;
    if (known.command.join('\0') === command.join('\0')) {
      logger.info({ pid: known.pid }, 'the agent of an earlier start is still running and goes on');
      return known;
    }
    logger.info({ pid: known.pid }, 'the agent of an earlier start has other settings and is ended');
    await this.#end(known);
    return undefined;
  }

  async #spawn(): Promise<Known> {
    const [program, ...args] = this.#options.command;
    const log = openSync(this.#options.logFile, 'a', 0o600);
    // A group of its own: Ctrl-C is for `tiangong up`, which ends the agent in good order.
    const child = spawn(program, args, {
      detached: true,
      stdio: ['ignore', log, log],
      env: this.#options.environment,
    });
    closeSync(log);
    child.unref();
    child.on('error', (err) => this.#options.logger.error({ err }, 'the agent could not be started'));
    const pid = child.pid ?? -1;
    const known = { pid, startTicks: processStartTicks(pid) ?? '', command: this.#options.command };
    await writePrivateFile(this.#options.pidFile, JSON.stringify(known));
    return known;
  }

  async #gone(known: Known, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && isAlive(known)) await sleep(POLL_MS, undefined, { signal }).catch(() => {});
  }

  async #end(known: Known, hurry?: AbortSignal): Promise<void> {
    const deadline = performance.now() + STOP_DEADLINE_MS;
    const terminate = (): void => signalProcess(known.pid, 'SIGTERM');
    terminate();
    if (hurry?.aborted === true) terminate();
    hurry?.addEventListener('abort', terminate, { once: true });
    while (isAlive(known) && performance.now() < deadline) await sleep(50);
    hurry?.removeEventListener('abort', terminate);
    if (isAlive(known)) signalProcess(known.pid, 'SIGKILL');
    await rm(this.#options.pidFile, { force: true });
  }
}

function readKnown(pidFile: string): Known | undefined {
  try {
    return JSON.parse(readFileSync(pidFile, 'utf8')) as Known;
  } catch {
    return undefined;
  }
}

const isAlive = ({ pid, startTicks }: Known): boolean => startTicks !== '' && processStartTicks(pid) === startTicks;

function signalProcess(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended in the meantime.
  }
}
