import { join } from 'node:path';
import type { KubeObject } from '../../../kube/object.ts';
import { CommitQueue } from './commit-queue.ts';
import { CompactionPolicy } from './compaction-policy.ts';
import { DataDirectoryLock } from './data-directory-lock.ts';
import { ObjectCache } from './object-cache.ts';
import { CREATED, DELETED, UPDATED } from './revision-database.ts';
import type { RevisionRow } from './revision-database.ts';
import { RevisionReader } from './revision-reader.ts';
import type { Listed } from './revision-reader.ts';
import { StoredObject, storedAsOf } from './stored-object.ts';
import type { Change } from './stored-object.ts';

export interface ObjectStoreOptions {
  readonly directory: string;
  /** How much JSON text of objects used last is kept in memory, in characters. */
  readonly cacheBytes?: number;
  /** How many revisions watches can go back. */
  readonly historyRevisions?: number;
  /** How long watches can go back, in milliseconds. */
  readonly historyMs?: number;
  /** How many writes may wait for the disk; more are refused. */
  readonly maxPending?: number;
  /** How large an object may be as JSON, in bytes; etcd takes 1.5 MiB unless told otherwise. */
  readonly maxObjectBytes?: number;
}

/** The object is larger than the store takes. */
export class ObjectTooLargeError extends Error {
  override readonly name = 'ObjectTooLargeError';
}

/** More writes wait for the disk than the store takes. */
export class TooManyWritesError extends Error {
  override readonly name = 'TooManyWritesError';
}

interface PendingRow extends RevisionRow {
  readonly change: Change;
}

const TYPES = { ADDED: CREATED, MODIFIED: UPDATED, DELETED } as const;
const CHANGES = ['ADDED', 'MODIFIED', 'DELETED'] as const;

/** A write that was decided: `stored` as it will be, and when it is on the disk. */
export interface Written {
  readonly stored: StoredObject;
  readonly durable: Promise<void>;
}

/**
 * Objects in SQLite. There is one writer, this thread: a write is decided synchronously on `latest`, which knows writes
 * that are not on the disk yet, and is visible to `get`, `list` and listeners only once it is.
 */
export class ObjectStore {
  readonly #lock: DataDirectoryLock;
  readonly #reader: RevisionReader;
  readonly #queue: CommitQueue<PendingRow>;
  readonly #cache: ObjectCache;
  /** The newest undurable state of a key; undefined as a value: deleted. */
  readonly #pending = new Map<string, { revision: number; stored: StoredObject | undefined }>();
  readonly #listeners = new Set<(changes: readonly Change[]) => void>();
  readonly #compaction: CompactionPolicy;
  readonly #maxPending: number;
  readonly #maxObjectBytes: number;
  #assigned: number;
  #durable: number;
  #closed = false;

  static async open(options: ObjectStoreOptions): Promise<ObjectStore> {
    const lock = new DataDirectoryLock(options.directory);
    try {
      const file = join(options.directory, 'objects.sqlite');
      const queue = await CommitQueue.open<PendingRow>(
        file,
        (rows) => store.#onDurable(rows),
        () => store.#onFailed(),
      );
      const store: ObjectStore = new ObjectStore(options, lock, new RevisionReader(file), queue);
      return store;
    } catch (err) {
      lock.release();
      throw err;
    }
  }

  private constructor(
    options: ObjectStoreOptions,
    lock: DataDirectoryLock,
    reader: RevisionReader,
    queue: CommitQueue<PendingRow>,
  ) {
    this.#lock = lock;
    this.#reader = reader;
    this.#queue = queue;
    this.#cache = new ObjectCache(options.cacheBytes ?? 16 * 1024 * 1024);
    this.#maxPending = options.maxPending ?? 10_000;
    this.#maxObjectBytes = options.maxObjectBytes ?? 1_572_864;
    this.#assigned = this.#durable = Math.max(reader.lastRevision(), 1);
    this.#compaction = new CompactionPolicy(
      reader.compactedRevision(),
      options.historyRevisions ?? 20_000,
      options.historyMs ?? 600_000,
    );
  }

  /** The revision that reads show. */
  get revision(): number {
    return this.#durable;
  }

  /** The oldest revision that lists and watches can begin from. */
  get compactedRevision(): number {
    return this.#compaction.compacted;
  }

  get pendingWrites(): number {
    return this.#queue.length;
  }

  /** What a write is decided on: the object with all writes so far, on the disk or not. */
  latest(key: string): StoredObject | undefined {
    const pending = this.#pending.get(key);
    return pending === undefined ? this.get(key) : pending.stored;
  }

  /** The object as of `revision`. */
  get(key: string): StoredObject | undefined {
    const cached = this.#cache.get(key);
    if (cached !== undefined) return cached;
    const row = this.#reader.newest(key, this.#durable);
    if (row === undefined) return undefined;
    const stored = new StoredObject(key, row.revision, row.value);
    this.#cache.set(stored);
    return stored;
  }

  /**
   * Writes the next version of an object: its metadata gets the new resourceVersion. `previous` is what `latest` gave
   * for the key in the same turn of the event loop.
   */
  write(type: Change['type'], key: string, object: KubeObject, previous: StoredObject | undefined): Written {
    if (this.#queue.length >= this.#maxPending)
      throw new TooManyWritesError(`${this.#queue.length} writes already wait for the disk`);
    const revision = this.#assigned + 1;
    const versioned = { ...object, metadata: { ...object.metadata, resourceVersion: String(revision) } };
    const stored = new StoredObject(key, revision, JSON.stringify(versioned), versioned);
    // A character takes at most three bytes, so that most objects need not be measured.
    if (stored.text.length * 3 > this.#maxObjectBytes && Buffer.byteLength(stored.text) > this.#maxObjectBytes)
      throw new ObjectTooLargeError(`${key} would be larger than ${this.#maxObjectBytes} bytes`);
    this.#assigned = revision;
    const change: Change = { type, revision, storedAs: storedAsOf(key), current: stored, previous };
    const durable = this.#queue.add({
      revision,
      key,
      type: TYPES[type],
      previous: previous?.revision ?? 0,
      value: stored.text,
      change,
    });
    this.#pending.set(key, { revision, stored: type === 'DELETED' ? undefined : stored });
    return { stored, durable };
  }

  /** Resolves when all writes decided so far are on the disk. */
  flushed(): Promise<void> {
    return this.#queue.flushed();
  }

  /** Keys from `start` up to and without `end`, as of a revision that is not compacted. */
  list(start: string, end: string, asOf: number, limit: number): Listed[] {
    return this.#reader.list(start, end, asOf, limit);
  }

  count(start: string, end: string, asOf: number): number {
    return this.#reader.count(start, end, asOf);
  }

  /** The version of an object that `list` named. */
  at({ key, revision }: Listed): StoredObject {
    const cached = this.#cache.get(key);
    if (cached?.revision === revision) return cached;
    const text = this.#reader.value(revision);
    if (text === undefined) throw new Error(`revision ${revision} of ${key} is not in the storage any more`);
    return new StoredObject(key, revision, text);
  }

  /** At most `limit` durable changes of a range of keys after a revision that is not compacted, oldest first. */
  changesAfter(revision: number, start: string, end: string, limit: number): Change[] {
    return this.#reader.history(revision, this.#durable, start, end, limit).map((row) => {
      const before = row.previous === 0 ? undefined : this.#reader.value(row.previous);
      return {
        type: CHANGES[row.type],
        revision: row.revision,
        storedAs: storedAsOf(row.key),
        current: new StoredObject(row.key, row.revision, row.value),
        previous: before === undefined ? undefined : new StoredObject(row.key, row.previous, before),
      };
    });
  }

  /** All objects whose JSON holds one of some texts. Reads everything: for the start. */
  *scan(texts: readonly string[]): Generator<StoredObject> {
    for (const listed of this.#reader.list('', '\u{10ffff}', this.#durable, Number.MAX_SAFE_INTEGER)) {
      const stored = this.at(listed);
      if (texts.some((text) => stored.text.includes(text))) yield stored;
    }
  }

  /** Calls `listener` with changes once they are durable, in order. Returns how to end that. */
  onChanges(listener: (changes: readonly Change[]) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Lets history go that is older than the options say. Writes do so themselves; this is for quiet times. */
  compact(): void {
    const target = this.#compaction.advance(this.#durable, performance.now());
    if (target !== undefined) this.#queue.compact(target);
  }

  /** Bounds the database, in pages of 4 KiB; beyond it writes fail as on a full disk. */
  limitPages(pages: number): void {
    this.#queue.limitPages(pages);
  }

  /** Waits for writes under way. Reads throw from then on, and writes reject. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#queue.close();
    this.#reader.close();
    this.#lock.release();
  }

  #onDurable(rows: readonly PendingRow[]): void {
    for (const { key, revision, change } of rows) {
      if (change.type === 'DELETED') this.#cache.delete(key);
      else this.#cache.set(change.current);
      if (this.#pending.get(key)?.revision === revision) this.#pending.delete(key);
    }
    const last = rows.at(-1);
    if (last === undefined) return;
    this.#durable = last.revision;
    const changes = rows.map(({ change }) => change);
    for (const listener of this.#listeners) listener(changes);
    this.compact();
  }

  #onFailed(): void {
    this.#pending.clear();
  }
}
