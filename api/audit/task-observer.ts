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
}

/** Nobody waits for these records. */
const INTERVAL_MS = 500;
const AT_ONCE = 200;

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
    try {
      while (sights.length > 0) {
        const group = sights.slice(0, AT_ONCE);
        const open = group.filter(({ object }) => this.#parts.isOpen(object));
        await Promise.all(group.filter((sight) => !open.includes(sight)).map((sight) => this.#record(sight)));
        sights.splice(0, group.length);
        this.#sights.push(...open);
      }
    } finally {
      this.#sights.push(...sights);
    }
  }

  async #record(sight: Sight): Promise<void> {
    const { audit } = this.#parts;
    if (await this.#isKnown(sight)) return;
    await audit.append({ ...sight, source: 'kubernetes' });
  }

  async #isKnown({ action, uid, object }: Sight): Promise<boolean> {
    const { audit } = this.#parts;
    // A call that made a task has its uid on record.
    if (action === 'seeTask') return audit.has(uid);
    if (audit.has(uid, action)) return true;
    const [approved] = await audit.list({ object, action: 'approveTask', limit: 1 });
    return approved?.status === 200;
  }

  #see(action: Sight['action'], { metadata }: DeployTask, annotation: string): void {
    const { namespace = '', name, uid = '', annotations = {} } = metadata;
    const object = `tasks/${formatTaskId({ namespace, name }, this.#parts.homeNamespace)}`;
    this.#sights.push({ action, user: annotations[annotation] ?? 'unknown', object, uid });
  }
}
