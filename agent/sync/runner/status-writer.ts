import type { Logger } from 'pino';
import { backoffMs, retryAfterMs, sleep } from '../../../kube/backoff.ts';
import type { KubeClient } from '../../../kube/client.ts';
import { isConflict, isNotFound } from '../../../kube/kube-error.ts';
import { syncTasks } from '../../../kube/resource.ts';
import { withTimeout } from '../../../kube/with-timeout.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import { holds } from './assignment.ts';
import type { SyncAssignment } from './assignment.ts';
import { mergeDifference } from './merge-difference.ts';

/** What is to stand in the status. `known` is what stands there; undefined fields are to be absent. */
export type WantedStatus = (known: SyncTask, now: Date) => Readonly<Record<string, unknown>>;

const BACKOFF = { minMs: 200, maxMs: 5_000 };
const CALL_TIMEOUT_MS = 10_000;

/**
 * Writes the status of one SyncTask for as long as it is assigned to this process. Every write is conditional on a version whose
 * assignment was looked at: what has become another's is left alone.
 */
export class StatusWriter {
  readonly #client: KubeClient;
  readonly #assignment: SyncAssignment;
  readonly #logger: Logger;
  #known: SyncTask | undefined;
  #last: Promise<unknown> = Promise.resolve();

  /** `known`: the task as it was read last, if it was. */
  constructor(client: KubeClient, assignment: SyncAssignment, logger: Logger, known?: SyncTask) {
    this.#client = client;
    this.#assignment = assignment;
    this.#logger = logger;
    this.#known = known;
  }

  /** Reads the task. Undefined when it is no longer ours; rejects when that cannot be known now. */
  async read(signal: AbortSignal): Promise<SyncTask | undefined> {
    const { namespace, name } = this.#assignment;
    try {
      const get = (call: AbortSignal): Promise<SyncTask> => this.#client.get(syncTasks, namespace, name, call);
      const sync = await withTimeout(get, CALL_TIMEOUT_MS, signal);
      if (!holds(this.#assignment, sync)) return undefined;
      this.#known = sync;
      return sync;
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /**
   * Tries until it stands there. Resolves to false when the task is no longer ours, or the signal aborted before. One write at a
   * time: a second one waits for the first.
   */
  write(wanted: WantedStatus, signal: AbortSignal): Promise<boolean> {
    const written = this.#last.then(() => this.#write(wanted, signal));
    this.#last = written.catch(() => undefined);
    return written;
  }

  async #write(wanted: WantedStatus, signal: AbortSignal): Promise<boolean> {
    const { namespace, name } = this.#assignment;
    for (let failures = 0; !signal.aborted;) {
      try {
        const known = this.#known ?? (await this.read(signal));
        if (known === undefined || !holds(this.#assignment, known)) return false;
        const status = mergeDifference({ ...known.status }, wanted(known, new Date()));
        if (status === undefined) return true;
        const { resourceVersion } = known.metadata;
        const patch = { metadata: { resourceVersion }, status };
        const write = (call: AbortSignal): Promise<SyncTask> =>
          this.#client.patch(syncTasks, namespace, name, patch, { subresource: 'status', signal: call });
        this.#known = await withTimeout(write, CALL_TIMEOUT_MS, signal);
        return true;
      } catch (err) {
        // The write may have landed nevertheless, or the task has changed: the next try looks first.
        this.#known = undefined;
        if (isNotFound(err)) return false;
        if (isConflict(err)) continue;
        if (signal.aborted) break;
        failures += 1;
        this.#logger.warn({ err, failures }, 'the status of a sync could not be written and will be tried again');
        await sleep(Math.max(retryAfterMs(err), backoffMs(failures, BACKOFF)), signal);
      }
    }
    return false;
  }
}
