import type { BusInfo, Subscription } from '../../event-bus.ts';
import { SourceError } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { FIELDS, KEY_FIELDS, rowAt, TABLE } from './file-row.ts';
import { absolutePath } from './file-version.ts';
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
  #uncommitted = 0;
  /** What was not read yet. */
  #entries: StreamEntry[] = [];
  #question: Promise<void> | undefined;
  #failure: Error | undefined;
  #closing: Promise<void> | undefined;

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

  /** How many entries were given and not committed. */
  get uncommitted(): number {
    return this.#uncommitted;
  }

  /** The thread watches. `at`: the number of the place where the stream begins. */
  start(connection: ThreadConnection, indexId: string, at: number): void {
    this.#connection = connection;
    this.#indexId = indexId;
    this.#entries.push({ index: at, transaction: at, position: { index: indexId, at } });
  }

  fail(err: Error): void {
    this.#failure ??= err;
  }

  async read(rows: number, waitMs: number, signal: AbortSignal): Promise<readonly StreamEntry[]> {
    signal.throwIfAborted();
    if (this.#entries.length === 0) {
      if (this.#failure !== undefined) throw this.#failure;
      this.#question ??= this.#ask(rows);
      await inTime(this.#question, waitMs, signal);
    }
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
    await this.#connection?.request({ kind: 'settle', at });
  }

  close(): Promise<void> {
    this.#failure ??= new SourceError('Closed', `${this.#options.root} is not watched any more`, { retryable: true });
    this.#closing ??= this.#options.onClose();
    return this.#closing;
  }

  /** Asks for changes. An answer to a question from before a rewind is left out: its paths are taken again. */
  #ask(count: number): Promise<void> {
    const connection = this.#connection;
    if (connection === undefined) throw new SourceError('Closed', 'the folder is not watched yet', { retryable: true });
    const question = connection.request({ kind: 'take', count, committed: this.#committed }).then((changes) => {
      if (this.#question !== question) return;
      this.#question = undefined;
      this.#entries.push(...this.#entriesOf(changes as Changes));
    });
    // Nobody may be waiting when the thread ends; the next read says why.
    question.catch(() => {});
    return question;
  }

  *#entriesOf(changes: Changes): Generator<StreamEntry> {
    const { root } = this.#options;
    for (let at = 0; at < changes.paths.length; at += 1) {
      const index = changes.indexes[at] ?? 0;
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
async function inTime(promise: Promise<void>, waitMs: number, signal: AbortSignal): Promise<void> {
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
