import type { BusInfo, Subscription } from '../../event-bus.ts';
import { SourceError } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { FIELDS, KEY_FIELDS, rowAt, TABLE } from './file-row.ts';
import { absolutePath } from './file-version.ts';
import type { FilePosition } from './file-index.ts';
import type { ThreadConnection } from './thread-connection.ts';
import type { Changes } from './thread-messages.ts';

export interface FileSubscriptionOptions {
  readonly root: string;
  readonly afterIndex: number;
  readonly bus: () => BusInfo;
  readonly onClose: () => Promise<void>;
}

/** Reads the changes of a folder: one question at a time is with the thread, which answers as soon as there is something. */
export class FileSubscription implements Subscription {
  /** Paths that wait in the thread. */
  waiting = 0;
  /** Entries with an event. */
  produced = 0;
  readonly #options: FileSubscriptionOptions;
  #connection: ThreadConnection | undefined;
  #indexId = '';
  /** Of the entry that was committed last. */
  #committed: number;
  #lastRead: number;
  #lastIndex = -1;
  #uncommitted = 0;
  /** What was not read yet. */
  #entries: StreamEntry[] = [];
  #question: Promise<unknown> | undefined;
  #failure: unknown;
  readonly #closed = new AbortController();
  #closing: Promise<void> | undefined;
  /** Resolves when there is a thread, or never will be. */
  #standing = Promise.withResolvers<undefined>();

  constructor(options: FileSubscriptionOptions) {
    this.#options = options;
    this.#committed = options.afterIndex;
    this.#lastRead = options.afterIndex;
  }

  get bus(): BusInfo {
    return this.#options.bus();
  }

  get isClosed(): boolean {
    return this.#closing !== undefined;
  }

  /** Aborts when it is closed. */
  get closing(): AbortSignal {
    return this.#closed.signal;
  }

  /** From where another thread goes on. */
  get position(): FilePosition {
    return { index: this.#indexId, at: this.#committed };
  }

  /** The greatest index that was given. */
  get lastIndex(): number {
    return Math.max(this.#lastIndex, this.#options.afterIndex);
  }

  /** How many entries were given and not committed. */
  get uncommitted(): number {
    return this.#uncommitted;
  }

  /** The thread watches. `at`: the number of the place where the stream begins. */
  start(connection: ThreadConnection, indexId: string, at: number): void {
    this.#connection = connection;
    this.#indexId = indexId;
    this.#lastIndex = at;
    this.#entries = [{ index: at, transaction: at, position: { index: indexId, at } }];
    this.#standing.resolve(undefined);
  }

  /** The thread has ended, and another may follow: what was not read yet will come from that one. */
  stop(): void {
    this.#connection = undefined;
    this.#entries = [];
    this.#question = undefined;
    this.#standing = Promise.withResolvers();
  }

  fail(err: unknown): void {
    this.#failure ??= err;
    this.#standing.resolve(undefined);
  }

  async read(rows: number, waitMs: number, signal: AbortSignal): Promise<readonly StreamEntry[]> {
    signal.throwIfAborted();
    const connection = this.#connection;
    if (this.#entries.length === 0 && this.#failure === undefined)
      await inTime(connection === undefined ? this.#standing.promise : this.#ask(connection, rows), waitMs, signal);
    if (this.#failure !== undefined) throw this.#failure as Error;
    const entries = this.#entries.splice(0, Math.max(1, rows));
    this.#uncommitted += entries.length;
    this.#lastRead = entries.at(-1)?.index ?? this.#lastRead;
    return entries;
  }

  rewind(): void {
    if (this.#lastRead === this.#committed && this.#entries.length === 0) return;
    this.#entries = [];
    this.#question = undefined;
    this.#uncommitted = 0;
    this.#lastRead = this.#committed;
    this.#connection?.post({ kind: 'rewind', committed: this.#committed });
  }

  commit({ index }: StreamEntry): void {
    this.#committed = Math.max(this.#committed, index);
    if (this.#committed >= this.#lastRead) this.#uncommitted = 0;
  }

  async release({ index, at }: SourcePosition): Promise<void> {
    if (index !== this.#indexId || typeof at !== 'number') return;
    const connection = this.#connection;
    // What is not settled is told of once more after the next start.
    await connection?.request({ kind: 'settle', at }).catch((err: unknown) => {
      if (connection === this.#connection && !this.isClosed) throw err;
    });
  }

  close(): Promise<void> {
    this.#closed.abort();
    this.fail(new SourceError('Closed', `${this.#options.root} is not watched any more`, { retryable: true }));
    this.#closing ??= this.#options.onClose();
    return this.#closing;
  }

  /**
   * Asks for changes; never rejects: a thread that ends is followed by another, or by a failure of all reads. An answer to a
   * question from before a rewind is left out: its paths are taken again.
   */
  #ask(connection: ThreadConnection, count: number): Promise<unknown> {
    if (this.#question !== undefined) return this.#question;
    const asked = connection.request({ kind: 'take', count, committed: this.#committed });
    const question = asked.then(
      (changes) => {
        if (this.#question !== question) return;
        this.#question = undefined;
        this.#entries.push(...this.#entriesOf(changes as Changes));
      },
      () => {
        if (this.#question === question) this.#question = undefined;
      },
    );
    this.#question = question;
    return question;
  }

  *#entriesOf(changes: Changes): Generator<StreamEntry> {
    const { root } = this.#options;
    for (let at = 0; at < changes.paths.length; at += 1) {
      const index = changes.indexes[at] ?? 0;
      this.#lastIndex = index;
      const isGone = changes.isGone[at] === 1;
      const path = absolutePath(root, changes.paths[at] ?? '');
      const prefixes = changes.isTree[at] === 1 ? [`${path}/`] : undefined;
      this.produced += 1;
      yield {
        index,
        event: {
          event_type: isGone ? 'delete' : 'update',
          fields: isGone ? KEY_FIELDS : FIELDS,
          rows: [isGone ? { file_path: path } : rowAt(root, changes, at)],
          index,
          event_schema: root,
          table: TABLE,
        },
        committedMs: changes.since[at] ?? 0,
        transaction: index,
        touched: () => ({ keys: [path], ...(prefixes && { prefixes }) }),
        position: { index: this.#indexId, at: index },
      };
    }
  }
}

/** Waits for a promise that may go on afterwards. Rejects with the signal's reason, or as the promise does. */
async function inTime(promise: Promise<unknown>, waitMs: number, signal: AbortSignal): Promise<void> {
  const over = Promise.withResolvers<void>();
  const abort = (): void => over.reject(signal.reason);
  const timer = setTimeout(over.resolve, waitMs);
  signal.addEventListener('abort', abort, { once: true });
  try {
    await Promise.race([promise, over.promise]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', abort);
  }
}
