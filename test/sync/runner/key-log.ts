import { EventEmitter, once } from 'node:events';
import { IndexClock } from '../../../agent/sync/bus/index-clock.ts';
import { PositionLostError, SourceError } from '../../../agent/sync/source.ts';
import type { Source, SourceConfig, SourceDriver, StreamStart } from '../../../agent/sync/source.ts';
import type { SnapshotChunk, SnapshotReader } from '../../../agent/sync/snapshot.ts';
import type { StreamEntry } from '../../../agent/sync/stream-entry.ts';
import type { SyncEvent } from '../../../agent/sync/sync-event.ts';

/**
 * A database of one table in memory, with a log of its changes: each sets a key to the next version or deletes it. It outlives the
 * pipelines that read it, as a server would.
 */
export class KeyLog {
  readonly rows = new Map<string, { id: string; version: number }>();
  readonly changes: SyncEvent[] = [];
  /** Streams that begin before are refused. */
  purgedTo = 0;
  /** What opening a stream fails with. */
  broken: SourceError | undefined;
  openStreams = 0;
  /** The most that were ever open at once. */
  peakStreams = 0;
  readonly #changed = new EventEmitter().setMaxListeners(0);
  #version = 0;

  set(id: string): void {
    const row = { id, version: (this.#version += 1) };
    const type = this.rows.has(id) ? 'update' : 'insert';
    this.rows.set(id, row);
    this.#add(type, row);
  }

  delete(id: string): void {
    const row = this.rows.get(id);
    if (row === undefined) return;
    this.rows.delete(id);
    this.#add('delete', { ...row, version: (this.#version += 1) });
  }

  async *stream(start: StreamStart, signal: AbortSignal): AsyncGenerator<readonly StreamEntry[], void> {
    if (this.broken !== undefined) throw this.broken;
    let at = start.checkpoint === undefined ? this.changes.length : Number(start.checkpoint.position['at']);
    if (at < this.purgedTo) throw new PositionLostError(`the log begins at ${this.purgedTo}, not ${at}`);
    const clock = new IndexClock(start.checkpoint?.index ?? start.afterIndex);
    this.openStreams += 1;
    this.peakStreams = Math.max(this.peakStreams, this.openStreams);
    try {
      yield [{ index: clock.next(at), position: { at } }];
      while (!signal.aborted) {
        const entries = this.changes.slice(at, at + 10).map((change, i): StreamEntry => {
          const index = clock.next(at + i + 1);
          const keys = change.rows.map(({ id }) => String(id));
          const seen = { event: { ...change, index }, transaction: at + i + 1, touched: () => ({ keys }) };
          return { index, ...seen, position: { at: at + i + 1 } };
        });
        at += entries.length;
        if (entries.length > 0) yield entries;
        else await once(this.#changed, 'change', { signal }).catch(() => undefined);
      }
    } finally {
      this.openStreams -= 1;
    }
  }

  snapshot(): SnapshotReader {
    return {
      next: (after, rows) => {
        const at = this.changes.length;
        const found = [...this.rows.values()].filter(({ id }) => id > ((after?.['id'] as string | undefined) ?? ''));
        const chunk = found.sort((one, other) => (one.id < other.id ? -1 : 1)).slice(0, rows);
        const last = chunk.at(-1);
        if (last === undefined) return Promise.resolve(undefined);
        const result: SnapshotChunk = {
          ...{ event_schema: 'test', table: 'rows', fields: ['id', 'version'], rows: chunk },
          ...{ keys: chunk.map(({ id }) => id), cursor: { id: last.id }, progress: { tablesDone: 0, tablesTotal: 1 } },
          sees: (transaction) => Number(transaction) <= at,
          isCoveredBy: (position) => Number(position['at']) >= at,
        };
        return Promise.resolve(result);
      },
      close: () => Promise.resolve(),
    };
  }

  #add(type: SyncEvent['event_type'], row: { id: string; version: number }): void {
    const event = { event_type: type, fields: ['id', 'version'], rows: [row] };
    this.changes.push({ ...event, index: -1, event_schema: 'test', table: 'rows' });
    this.#changed.emit('change');
  }
}

/** The driver `keylog`; its `uri` names one of the logs. `forgotten` has the tasks that it was asked to forget. */
export class KeyLogDriver implements SourceDriver {
  readonly name = 'keylog';
  readonly wizard = { steps: [], components: { schemas: {} } };
  readonly actions = {};
  readonly logs = new Map<string, KeyLog>();
  readonly forgotten: string[] = [];

  log(uri: string): KeyLog {
    const log = this.logs.get(uri) ?? new KeyLog();
    this.logs.set(uri, log);
    return log;
  }

  signature({ uri, credential }: SourceConfig): string {
    return JSON.stringify([this.name, uri, credential?.data['user']]);
  }

  open({ uri, credential }: SourceConfig): Source {
    if (credential?.data['passwd'] === 'wrong')
      throw new SourceError('AuthenticationFailed', 'the log refused the login', { retryable: false });
    const log = this.log(uri);
    return {
      stream: (start, _wanted, signal) => log.stream(start, signal),
      openSnapshot: () => Promise.resolve(log.snapshot()),
      close: () => Promise.resolve(),
    };
  }

  forget(_config: SourceConfig, taskUid: string): Promise<void> {
    this.forgotten.push(taskUid);
    return Promise.resolve();
  }
}
