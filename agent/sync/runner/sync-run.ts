import type { Logger } from 'pino';
import { backoffMs, sleep } from '../../../kube/backoff.ts';
import type { SyncPusher } from '../../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../../kube/types/syncsource.ts';
import type { SyncTask, SyncTaskStatus } from '../../../kube/types/synctask.ts';
import type { Pipeline } from '../pipeline/pipeline.ts';
import type { PipelineReport } from '../pipeline/pipeline-report.ts';
import type { SyncAssignment } from './assignment.ts';
import { failedEnd } from './run-failure.ts';
import type { AttemptEnd } from './run-failure.ts';
import { isOutdated, startedWith } from './run-configuration.ts';
import type { RunConfiguration } from './run-configuration.ts';
import { StatusWriter } from './status-writer.ts';
import { readConfiguration, runPipeline } from './sync-attempt.ts';
import { agentStatus } from './sync-status.ts';
import type { RunPhase, RunState, StopReason } from './sync-status.ts';
import { SYNC_TIMES } from './sync-tools.ts';
import type { SyncTimes, SyncTools } from './sync-tools.ts';

/** The objects of a SyncTask as informers show them. */
export interface SeenConfiguration {
  readonly sync: SyncTask;
  readonly source: SyncSource | undefined;
  readonly pusher: SyncPusher | undefined;
}

/** How long the last report may take before the task is given back. */
const LAST_WRITE_MS = 10_000;

/** However often the state changes, the API server is written to ten times a second at most. */
const BREATH_MS = 100;

/** One assignment of a SyncTask being carried out: pipelines, one after the other, until it is stopped or another's. */
export class SyncRun {
  readonly assignment: SyncAssignment;
  /** Resolves when nothing of it runs any more. Never rejects. */
  readonly ended: Promise<void>;
  readonly #tools: SyncTools;
  readonly #times: SyncTimes;
  readonly #logger: Logger;
  readonly #writer: StatusWriter;
  readonly #stop = new AbortController();
  readonly #writing = new AbortController();
  readonly #written: Promise<void>;
  #phase: RunPhase = { kind: 'Starting' };
  #pipeline: Pipeline | undefined;
  #report: PipelineReport | undefined;
  #used: RunConfiguration | undefined;
  #started: SyncTaskStatus['started'];
  #isOutdated = false;
  /** Resolves when the configuration has changed since it was read. */
  #changed = Promise.withResolvers<void>();
  /** Resolves when something is to be written at once. */
  #urgent = Promise.withResolvers<void>();

  constructor(tools: SyncTools, assignment: SyncAssignment) {
    this.#tools = tools;
    this.#times = { ...SYNC_TIMES, ...tools.times };
    this.assignment = assignment;
    const { namespace, name, epoch } = assignment;
    this.#logger = tools.logger.child({ component: `fustor_agent.sync.${name}`, sync: `${namespace}/${name}`, epoch });
    this.#writer = new StatusWriter(tools.client, assignment, this.#logger);
    this.#written = this.#keepWriting(this.#writing.signal);
    this.ended = this.#live(this.#stop.signal).catch((err: unknown) => {
      this.#logger.error({ err }, 'a sync ended by an error of the program');
    });
  }

  /** Takes in how the objects are seen now, to tell whether what runs is outdated. */
  observe(seen: SeenConfiguration): void {
    if (this.#used === undefined || this.#isOutdated || !isOutdated(this.#used, seen)) return;
    this.#isOutdated = true;
    this.#changed.resolve();
    this.#urgent.resolve();
  }

  /** Begins to end what runs, and lets nothing more be written. */
  abandon(): Promise<void> {
    this.#writing.abort();
    this.#stop.abort();
    this.#urgent.resolve();
    return this.ended;
  }

  /**
   * Ends what runs, and writes how it ended. `giveBack`: and that the task is nobody's any more; false keeps the assignment.
   * Resolves to whether that stands there; false: it is no longer ours.
   */
  async finish(reason: StopReason, giveBack: boolean): Promise<boolean> {
    this.#stop.abort();
    this.#urgent.resolve();
    await this.ended;
    this.#writing.abort();
    this.#urgent.resolve();
    await this.#written;
    this.#phase = { kind: 'Stopped', reason };
    this.#logger.info({ reason }, 'a sync has stopped');
    return giveBackTask(this.#writer, this.#state(), { giveBack, forget: false });
  }

  async #live(signal: AbortSignal): Promise<void> {
    const { restartMs, maxRestartMs, earlyMs, maxEarlyMs, healthyMs } = this.#times;
    let failures = 0;
    while (!signal.aborted) {
      const startedAt = performance.now();
      const end = await this.#attempt(signal);
      this.#report = this.#pipeline?.report() ?? this.#report;
      this.#pipeline = undefined;
      if (signal.aborted || end.kind !== 'Failed') return;
      if (performance.now() - startedAt >= healthyMs) failures = 0;
      failures += 1;
      const [minMs, maxMs] = end.isEarly === true ? [earlyMs, maxEarlyMs] : [restartMs, maxRestartMs];
      const waitMs = end.retryable ? backoffMs(failures, { minMs, maxMs }) : undefined;
      const retryAt = waitMs === undefined ? undefined : new Date(Date.now() + waitMs);
      this.#logger.warn({ reason: end.error.reason, retryAt }, `a sync failed: ${end.error.message}`);
      this.#enter({ kind: 'Failed', error: end.error, retryAt });
      await this.#pause(waitMs, signal);
    }
  }

  async #attempt(signal: AbortSignal): Promise<AttemptEnd> {
    try {
      const sync = await this.#writer.read(signal);
      if (sync === undefined) return { kind: 'Lost' };
      const used = await readConfiguration(this.#tools, sync, signal);
      this.#use(used);
      this.#logger.info({ agent: this.assignment.agent }, 'a sync is being started');
      return await runPipeline(
        this.#tools,
        this.assignment,
        used,
        {
          onPipeline: (pipeline) => {
            this.#pipeline = pipeline;
            this.#enter({ kind: 'Running' });
          },
          onChange: () => this.#urgent.resolve(),
          mayOpenSession: async (bounded) => (await this.#writer.read(bounded)) !== undefined,
        },
        signal,
      );
    } catch (err) {
      return failedEnd(err);
    }
  }

  /** A pipeline is begun with this: it is the present configuration, and what was said of an older one is over. */
  #use(used: RunConfiguration): void {
    this.#used = used;
    this.#started = startedWith(used, this.assignment.epoch);
    this.#isOutdated = false;
    this.#changed = Promise.withResolvers<void>();
    this.#enter({ kind: 'Starting' });
  }

  #enter(phase: RunPhase): void {
    this.#phase = phase;
    this.#urgent.resolve();
  }

  /** Waits until a pipeline is to be tried again: after a time, if one is given, or when the configuration has changed. */
  async #pause(ms: number | undefined, signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const bounded = AbortSignal.any([signal, woken.signal]);
    await Promise.race([this.#changed.promise, ms === undefined ? aborted(bounded) : sleep(ms, bounded)]);
    woken.abort();
  }

  #state(): RunState {
    const { signal } = this.#stop;
    this.#report = this.#pipeline?.report() ?? this.#report;
    return {
      phase: this.#phase,
      isStopping: signal.aborted,
      isOutdated: this.#isOutdated,
      started: this.#started,
      report: this.#report,
    };
  }

  /** At once when something urgent happens, and every few seconds while something changes. */
  async #keepWriting(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const woken = new AbortController();
      await Promise.race([this.#urgent.promise, sleep(this.#times.statusMs, woken.signal)]);
      woken.abort();
      if (signal.aborted) return;
      this.#urgent = Promise.withResolvers<void>();
      // Before it is known what it runs with, there is nothing to say.
      if (this.#used === undefined && this.#phase.kind === 'Starting') continue;
      let report: PipelineReport | undefined;
      const pipeline = this.#pipeline;
      const isOurs = await this.#writer.write((known, now) => {
        const state = this.#state();
        report = state.report;
        return agentStatus(known, state, now);
      }, signal);
      if (isOurs && report !== undefined) pipeline?.written(report);
      if (!isOurs && !signal.aborted) this.#stop.abort();
      await sleep(BREATH_MS, signal);
    }
  }
}

/**
 * Writes the end of a run: `giveBack`, and the assignment is taken away; `forget`, and nothing is left of the task at its source.
 * Resolves to false when the task is not ours, or it could not be written.
 */
export function giveBackTask(
  writer: StatusWriter,
  state: RunState,
  { giveBack, forget }: { readonly giveBack: boolean; readonly forget: boolean },
): Promise<boolean> {
  return writer.write(
    (known, now) => ({
      ...agentStatus(known, state, now),
      ...(giveBack && { assignment: undefined }),
      ...(forget && { started: undefined }),
    }),
    AbortSignal.timeout(LAST_WRITE_MS),
  );
}

function aborted(signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
}
