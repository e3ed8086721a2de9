import type { Logger } from 'pino';
import { isCancelRequested } from '../kube/task-state.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { Journal } from './journal/journal.ts';
import { runKey } from './journal/journal-record.ts';
import type { RunReport } from './journal/journal-record.ts';
import type { Reporter } from './reporter.ts';
import type { TaskRun } from './task-run.ts';

export interface RunLifeTools {
  readonly journal: Journal;
  readonly reporter: Reporter;
  readonly instance: string;
  readonly logger: Logger;
  /** Aborts when the agent stops: nothing is begun any more. */
  readonly draining: AbortSignal;
  /** Aborts when the agent will wait no longer for reports to be written. */
  readonly stopping: AbortSignal;
}

/** Moves the task to Running; undefined: it is not to be run. */
export type Start = () => Promise<DeployTask | undefined>;

/**
 * Sees one run through: claim, start, work, report, each on record before or while it happens (design.md §4.5). Never
 * rejects. `onEnded` is called when the run's place on the agent is free again.
 */
export async function liveRun(run: TaskRun, start: Start, tools: RunLifeTools, onEnded: () => void): Promise<void> {
  const { journal, logger } = tools;
  const key = runKey(run.uid, run.epoch);
  // On its way to the disk while the task is moved to Running: a crash in between can only make the outcome Unknown.
  const claim = attempt(journal.append(claimOf(run, tools.instance)));
  const task = await start();
  const claimError = await claim;
  if (task === undefined) {
    onEnded();
    // While stopping, nobody looked whether the start got through: the next process will, by this claim.
    if (!tools.draining.aborted) journal.note({ t: 'closed', key });
    return;
  }
  // The answer to the start is newer than anything the watch has told.
  if (isCancelRequested(task)) run.abort('User', 'canceled by user');
  // The one record that must be on disk before anything happens.
  const error =
    claimError ??
    (await attempt(journal.append({ t: 'started', key, ...(run.isResumable(task) && { resumable: true }) })));
  const report = error === undefined ? await run.execute(task) : notRun(error, task);
  onEnded();
  if (run.aborted === 'Gone') {
    await run.abandon();
    journal.note({ t: 'closed', key });
    return;
  }
  const finished = attempt(journal.append({ t: 'finished', key, report })).then((failure) => {
    if (failure !== undefined) logger.error({ err: failure, key }, 'the end of a run is not in the journal');
  });
  // What the output keeps for a later process is of no use once that would only report.
  await finished;
  await run.outputAcknowledged(tools.stopping);
  const landed = await tools.reporter.report(run, report, task, tools.stopping);
  if (landed) journal.note({ t: 'closed', key });
}

function claimOf(run: TaskRun, instance: string): Parameters<Journal['append']>[0] {
  const { namespace, name, idempotent } = run;
  return { t: 'claimed', key: runKey(run.uid, run.epoch), namespace, name, instance, idempotent };
}

function notRun(error: Error, task: DeployTask): RunReport {
  const message = `not run: ${error.message}`;
  const now = new Date().toISOString();
  const startTime = task.status?.startTime ?? now;
  return {
    state: 'Failed',
    reason: 'JournalUnavailable',
    message,
    fields: { startTime, completionTime: now, duration: '0s', error: message },
  };
}

const attempt = (work: Promise<void>): Promise<Error | undefined> =>
  work.then(
    () => undefined,
    (err: unknown) => (err instanceof Error ? err : new Error(String(err))),
  );
