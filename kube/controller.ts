import { setImmediate as nextTurn } from 'node:timers/promises';
import { backoffMs, retryAfterMs } from './backoff.ts';
import { isConflict } from './kube-error.ts';
import type { ControllerMetrics, KubeMetrics, ReconcileOutcome } from './metrics.ts';
import { TerminalError } from './terminal-error.ts';
import type { WorkQueue } from './work-queue.ts';

export { TerminalError } from './terminal-error.ts';

/** What a reconcile that succeeded wants: nothing more until the key is added again, or another run after a time. */
export interface Result {
  readonly requeueAfterMs?: number;
}

/**
 * Brings one object to the state its spec asks for. It gets a key, never an event: it reads the current state and acts
 * on that. It may be run again at any time and stopped after any await. Four outcomes: it resolves (done, or again
 * after `requeueAfterMs`), throws `TerminalError` (no retry until the key is added again), or throws anything else
 * (retried with backoff; a 409 conflict at once). It must settle soon after the signal aborts: until it does, its key
 * and its worker stay taken.
 */
export type Reconcile = (key: string, signal: AbortSignal) => Promise<Result>;

export interface ControllerOptions {
  /** Names the controller in metrics. */
  readonly name: string;
  readonly queue: WorkQueue;
  readonly reconcile: Reconcile;
  /** How many keys are reconciled at the same time, at least 1. */
  readonly workers: number;
  /** How long one reconcile may take before its signal aborts; 30 s unless set. */
  readonly deadlineMs?: number;
  /** How long running reconciles may go on after the controller was stopped before their signals abort; 3 s unless set. */
  readonly graceMs?: number;
  /** Told of every error but conflicts and those of a controller that is stopping. */
  readonly onError: (key: string, err: unknown) => void;
  readonly metrics?: KubeMetrics;
}

/** Conflicts are lost races: the watch brings the winner's version within milliseconds. The bound is for races that go on. */
const CONFLICT_BACKOFF = { minMs: 10, maxMs: 1000 };

/** Reconciles that find nothing to do never leave the microtask queue: after this many a worker lets timers and sockets have a turn. */
const RECONCILES_PER_TURN = 64;

/**
 * Works on the queue's keys until the signal aborts; then shuts the queue down, lets running reconciles end within the
 * grace period, and resolves. Never rejects.
 */
export async function runController(options: ControllerOptions, signal: AbortSignal): Promise<void> {
  const { queue, graceMs = 3000 } = options;
  const workers = new Workers(options);
  const metrics = options.metrics?.controller(options.name, () => queue.length);
  let grace: NodeJS.Timeout | undefined;
  const stop = (): void => {
    queue.shutdown();
    grace = setTimeout(() => workers.abort(signal.reason), graceMs);
  };
  if (signal.aborted) stop();
  else signal.addEventListener('abort', stop, { once: true });
  try {
    await Promise.all(Array.from({ length: options.workers }, () => workers.work(signal, metrics)));
  } finally {
    signal.removeEventListener('abort', stop);
    clearTimeout(grace);
    metrics?.stop();
  }
}

class Workers {
  readonly #options: ControllerOptions;
  readonly #running = new Set<AbortController>();
  readonly #conflicts = new Map<string, number>();

  constructor(options: ControllerOptions) {
    this.#options = options;
  }

  abort(reason: unknown): void {
    for (const running of this.#running) running.abort(reason);
  }

  async work(signal: AbortSignal, metrics: ControllerMetrics | undefined): Promise<void> {
    const { queue } = this.#options;
    for (let runs = 1; !signal.aborted; runs += 1) {
      const key = await queue.get();
      if (key === undefined) return;
      if (signal.aborted) {
        queue.done(key);
        return;
      }
      const startedAt = performance.now();
      metrics?.started();
      const outcome = await this.#reconcile(key, signal);
      queue.done(key);
      metrics?.ended(outcome, (performance.now() - startedAt) / 1000);
      if (runs % RECONCILES_PER_TURN === 0) await nextTurn();
    }
  }

  async #reconcile(key: string, stopping: AbortSignal): Promise<ReconcileOutcome> {
    const { queue, reconcile, deadlineMs = 30_000 } = this.#options;
    const run = new AbortController();
    const overdue = setTimeout(() => {
      run.abort(new Error(`the reconcile of ${key} took longer than ${deadlineMs} ms`));
    }, deadlineMs);
    this.#running.add(run);
    try {
      const { requeueAfterMs } = await reconcile(key, run.signal);
      this.#forget(key);
      if (requeueAfterMs === undefined) return 'done';
      queue.addAfter(key, requeueAfterMs);
      return 'again';
    } catch (err) {
      // What a stopped controller did not finish, its successor does.
      if (stopping.aborted) return 'aborted';
      return this.#failed(key, err, run.signal);
    } finally {
      clearTimeout(overdue);
      this.#running.delete(run);
    }
  }

  #failed(key: string, err: unknown, run: AbortSignal): ReconcileOutcome {
    const { queue } = this.#options;
    if (isConflict(err)) {
      const conflicts = (this.#conflicts.get(key) ?? 0) + 1;
      this.#conflicts.set(key, conflicts);
      queue.addAfter(key, backoffMs(conflicts, CONFLICT_BACKOFF));
      return 'conflict';
    }
    if (err instanceof TerminalError) {
      this.#forget(key);
      this.#report(key, err);
      return 'terminal';
    }
    queue.addRateLimited(key, retryAfterMs(err));
    this.#report(key, run.aborted ? run.reason : err);
    return 'error';
  }

  #forget(key: string): void {
    this.#conflicts.delete(key);
    this.#options.queue.forget(key);
  }

  #report(key: string, err: unknown): void {
    try {
      this.#options.onError(key, err);
    } catch {
      // A worker must not die of a failure to log.
    }
  }
}
