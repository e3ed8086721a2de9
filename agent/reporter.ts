import type { Logger } from 'pino';
import { backoffMs, retryAfterMs, sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isConflict, isInvalid, isNotFound, isTooLarge } from '../kube/kube-error.ts';
import { deployTasks } from '../kube/resource.ts';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { RunReport } from './journal/journal-record.ts';
import { reportPatch, shrunk, verdictOn } from './run-report.ts';

/** The run that a report is about. */
export interface RunId {
  readonly uid: string;
  readonly epoch: number;
  readonly namespace: string;
  readonly name: string;
}

const BACKOFF = { minMs: 200, maxMs: 15_000 };
/** A server that finds even the shortened report invalid will not change its mind. */
const MAX_INVALID = 5;

/** Writes how runs ended to their tasks. */
export class Reporter {
  readonly #client: KubeClient;
  readonly #by: string;
  readonly #logger: Logger;

  /** `by` names the agent in resolutions. */
  constructor(client: KubeClient, by: string, logger: Logger) {
    this.#client = client;
    this.#by = by;
    this.#logger = logger;
  }

  /**
   * Tries until the report has landed or nobody can want it any more. Resolves to false only when the signal aborted
   * before. `known` is the task as this run saw it last; without it the task is read first.
   */
  async report(run: RunId, report: RunReport, known: DeployTask | undefined, signal: AbortSignal): Promise<boolean> {
    let task = known;
    let toWrite = report;
    let invalid = 0;
    for (let failures = 0; !signal.aborted;) {
      try {
        task ??= await this.#client.get(deployTasks, run.namespace, run.name, signal);
        const verdict = verdictOn(task, run.uid, run.epoch, toWrite);
        if (verdict === 'moot') return true;
        const patch = reportPatch(task, toWrite, this.#by, verdict, new Date());
        await this.#client.patch(deployTasks, run.namespace, run.name, patch, { subresource: 'status', signal });
        return true;
      } catch (err) {
        // The write may have landed nevertheless, or the task has changed: the next try looks first.
        task = undefined;
        if (isNotFound(err)) return true;
        if (isConflict(err) || signal.aborted) continue;
        if (isTooLarge(err) || isInvalid(err)) {
          toWrite = shrunk(toWrite);
          if ((invalid += 1) > MAX_INVALID) {
            this.#logger.error({ err, ...run }, 'the API server does not take the report; it is given up');
            return true;
          }
        }
        failures += 1;
        this.#logger.warn({ err, ...run, failures }, 'a report could not be written, will be tried again');
        await sleep(Math.max(retryAfterMs(err), backoffMs(failures, BACKOFF)), signal);
      }
    }
    return false;
  }
}
