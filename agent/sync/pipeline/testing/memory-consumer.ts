import { ConsumerCore } from '../../../../test/sync/consumer-core.ts';
import type { Answer } from '../../../../test/sync/consumer-core.ts';
import { PusherError } from '../../pusher.ts';
import type { PushBatch, Pusher, PushSession } from '../../pusher.ts';
import type { Turn } from './memory-database.ts';

/** How one call goes: `before` fails before anything was done, `after` when all was. */
export type CallFate = 'fine' | 'before' | 'after';

export interface MemoryConsumerOptions {
  readonly turn?: Turn;
  /** The fates of pushes, in their order; then all is fine. */
  readonly fates?: readonly CallFate[];
}

/** The consumer of the tests without a network: what it does is what it does over HTTP. */
export class MemoryConsumer implements Pusher {
  core = new ConsumerCore({});
  readonly #turn: Turn;
  readonly #fates: CallFate[];
  #pushing = 0;

  constructor({ turn = async () => {}, fates = [] }: MemoryConsumerOptions = {}) {
    this.#turn = turn;
    this.#fates = [...fates];
  }

  /** The versions of the rows that it has, by id. */
  rows(): Map<string, number> {
    const [task = ''] = this.core.sink.tasks.keys();
    const rows = [...this.core.sink.rows(task).values()].map(({ id, version }) => [id, version] as [string, number]);
    return new Map(rows.sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  /** Opens a session beside the one that is used, which is over by that. */
  supersede(): void {
    for (const task of this.core.sink.tasks.keys()) this.core.openSession(task);
  }

  /** Returns what puts it back to how it is now, as from a backup; it is started anew by that. */
  backup(): () => void {
    const saved = [...this.core.sink.tasks].map(([id, { position, kept }]) => ({ id, position, kept: [...kept] }));
    return () => {
      this.supersede();
      for (const task of this.core.sink.tasks.values()) {
        task.position = -1;
        task.kept.clear();
      }
      for (const { id, position, kept } of saved) {
        const task = this.core.sink.task(id);
        task.position = position;
        for (const [key, value] of kept) task.kept.set(key, value);
      }
    };
  }

  neededFields(): Promise<{ properties: Record<string, never> }> {
    return Promise.resolve({ properties: {} });
  }

  openSession(taskId: string): Promise<PushSession> {
    const { session_id: id } = bodyOf<{ session_id: string }>(this.core.openSession(taskId));
    return Promise.resolve({
      id,
      heartbeatIntervalMs: 10_000,
      timeoutMs: undefined,
      isLeader: true,
      committedIndex: async () => {
        const answer = this.core.position(id);
        return answer.status === 404 ? -1 : bodyOf<{ index: number }>(answer).index;
      },
      heartbeat: async () => void bodyOf(this.core.heartbeat(id)),
      push: (batch) => this.#push(taskId, id, batch),
      close: async () => {},
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  async #push(taskId: string, sessionId: string, batch: PushBatch): Promise<{ snapshotNeeded: boolean }> {
    const fate = this.#fates.shift() ?? 'fine';
    if (this.#pushing > 0) this.core.violate('two pushes at once');
    this.#pushing += 1;
    try {
      await this.#turn('push');
      if (fate === 'before') throw broken();
      const envelope = {
        session_id: sessionId,
        agent_id: taskId,
        task_id: taskId,
        source_type: batch.sourceType,
        is_snapshot_end: batch.isSnapshotEnd,
        snapshot_sync_suggested: false,
        events: batch.events,
      };
      const answer = this.core.push(JSON.parse(JSON.stringify(envelope)), {});
      await this.#turn('answer');
      if (fate === 'after') throw broken();
      return { snapshotNeeded: bodyOf<{ snapshot_needed: boolean }>(answer).snapshot_needed };
    } finally {
      this.#pushing -= 1;
    }
  }
}

const broken = (): PusherError => new PusherError('ConnectionFailed', 'the connection broke', { retryable: true });

function bodyOf<T>({ status, body }: Answer): T {
  if (status === 419) throw new PusherError('SessionObsolete', 'superseded', { retryable: false, status });
  if (status >= 400) throw new PusherError('ConsumerRefused', JSON.stringify(body), { retryable: false, status });
  return body as T;
}
