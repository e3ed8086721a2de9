import type { Change } from '../storage/stored-object.ts';
import { keyRange } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';

/** How long Events are kept after their last write, as kube-apiserver's --event-ttl. */
const EVENT_TTL_MS = 3_600_000;
const EVENTS = '/events';
/** So many are removed per sweep at most, so that a sweep stays short. */
const MAX_PER_SWEEP = 500;

/** Removes Events an hour after their last write. After a restart the hour counts from the restart. */
export class EventExpiry {
  readonly #context: ApiContext;
  /** Key to when it was written last, oldest first. */
  readonly #writtenAt = new Map<string, number>();

  constructor(context: ApiContext) {
    this.#context = context;
  }

  start(): void {
    const { store, now } = this.#context;
    const { start, end } = keyRange(EVENTS, '');
    const at = now().getTime();
    for (const { key } of store.list(start, end, store.revision, Number.MAX_SAFE_INTEGER)) this.#writtenAt.set(key, at);
  }

  onChanges(changes: readonly Change[]): void {
    for (const { type, storedAs, current } of changes) {
      if (storedAs !== EVENTS) continue;
      this.#writtenAt.delete(current.key);
      if (type !== 'DELETED') this.#writtenAt.set(current.key, this.#context.now().getTime());
    }
  }

  /** Removes what is due. */
  async sweep(): Promise<void> {
    const { store, registry, writes, now } = this.#context;
    const definition = registry.findStored(EVENTS);
    if (definition === undefined) return;
    const due = now().getTime() - EVENT_TTL_MS;
    const removals: Promise<unknown>[] = [];
    for (const [key, at] of this.#writtenAt) {
      if (at > due || removals.length === MAX_PER_SWEEP) break;
      this.#writtenAt.delete(key);
      const old = store.latest(key);
      if (old === undefined) continue;
      const { namespace = '' } = old.object.metadata;
      removals.push(writes.remove({ definition, namespace, dryRun: false }, old));
    }
    await Promise.all(removals);
  }
}
