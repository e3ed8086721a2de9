import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { APPROVED_BY, CREATED_BY } from '../../kube/task-digest.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import type { Audit } from '../../store/audit.ts';
import type { ChangeWaiter } from '../change-waiter.ts';
import { formatTaskId } from '../tasks/task-id.ts';

export interface TaskObserverParts {
  readonly audit: Audit;
  readonly changes: Pick<ChangeWaiter<DeployTask>, 'onAnyChange'>;
  /** Whether a call is under way that will put the object on record. */
  readonly isOpen: (object: string) => boolean;
  readonly homeNamespace: string;
  readonly logger: Logger;
}

interface Sight {
  readonly action: 'seeTask' | 'seeApproval';
  readonly user: string;
  readonly object: string;
  readonly uid: string;
  /** When the task was made, in milliseconds since 1970. */
  readonly createdAt: number;
}

/** Nobody waits for these records. */
const INTERVAL_MS = 500;
const AT_ONCE = 200;
/** Calls to approve one task: all but one are refused. */
const APPROVALS = 100;

/**
 * Puts on record what came another way than by REST, when the API first sees it: tasks, and approvals. Who it was, the
 * annotations of the task say, which the cluster's admission policies keep from being made up.
 */
export class TaskObserver {
  readonly #parts: TaskObserverParts;
  #sights: Sight[] = [];

  constructor(parts: TaskObserverParts) {
    this.#parts = parts;
    parts.changes.onAnyChange((_key, task, previous) => {
      if (task === undefined) return;
      const before = previous?.metadata.uid === task.metadata.uid ? previous : undefined;
      if (before === undefined) this.#see('seeTask', task, CREATED_BY);
      if (task.spec.approved === true && before?.spec.approved !== true) this.#see('seeApproval', task, APPROVED_BY);
    });
  }

  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await sleep(INTERVAL_MS, undefined, { signal, ref: false }).catch(() => undefined);
      await this.runOnce().catch((err: unknown) =>
        this.#parts.logger.error({ err }, 'tasks that were seen could not be put on record; trying again'),
      );
    }
  }

  async runOnce(): Promise<void> {
    const sights = this.#sights;
    this.#sights = [];
    if (sights.length === 0) return;
    const forgottenAt = await this.#forgottenAt();
    try {
      while (sights.length > 0) {
        const group = sights.slice(0, AT_ONCE);
        const open = group.filter(({ object }) => this.#parts.isOpen(object));
        await Promise.all(
          group.filter((sight) => !open.includes(sight)).map((sight) => this.#record(sight, forgottenAt)),
        );
        sights.splice(0, group.length);
        this.#sights.push(...open);
      }
    } finally {
      this.#sights.push(...sights);
    }
  }

  async #record(sight: Sight, forgottenAt: number): Promise<void> {
    const { audit } = this.#parts;
    if (await this.#isKnown(sight, forgottenAt)) return;
    const { action, user, object, uid } = sight;
    await audit.append({ ...{ action, user, object, uid }, source: 'kubernetes' });
  }

  /** Up to when records may have been removed: a task of before that was on record. */
  async #forgottenAt(): Promise<number> {
    const { audit } = this.#parts;
    const [oldest] = audit.anchor.seq === 0 ? [] : await audit.list({ after: 0, limit: 1 });
    return oldest === undefined ? -Infinity : Date.parse(oldest.time);
  }

  async #isKnown({ action, uid, object, createdAt }: Sight, forgottenAt: number): Promise<boolean> {
    const { audit } = this.#parts;
    // A call that made a task has its uid on record.
    if (action === 'seeTask') return createdAt < forgottenAt || audit.has(uid);
    if (audit.has(uid, action)) return true;
    // Calls have the name alone on record, which a task of before may have had.
    const calls = await audit.list({ object, action: 'approveTask', limit: APPROVALS });
    return calls.some(({ status, time }) => status === 200 && Date.parse(time) >= createdAt);
  }

  #see(action: Sight['action'], { metadata }: DeployTask, annotation: string): void {
    const { namespace = '', name, uid = '', annotations = {} } = metadata;
    const object = `tasks/${formatTaskId({ namespace, name }, this.#parts.homeNamespace)}`;
    const user = annotations[annotation] ?? 'unknown';
    this.#sights.push({ action, user, object, uid, createdAt: Date.parse(metadata.creationTimestamp ?? '') });
  }
}
