import type { RowHandler } from '../../../../executors/mysql/session/session.ts';
import type { Row } from '../../../sync-event.ts';
import type { ServerSession } from '../server-session.ts';
import type { BegunRead, MarkedRead } from './marked-read.ts';
import type { ReadMarks } from './marks.ts';
import { MAX_CHUNK_BYTES } from './read-rows.ts';
import type { SnapshotTable } from './snapshot-table.ts';

export interface KeylessRows {
  readonly rows: readonly Row[];
  readonly marks: ReadMarks;
  /** How many rows of the table were given with these. */
  readonly until: number;
  readonly done: boolean;
}

/**
 * One read of a whole table whose rows cannot be asked for in an order, given in parts: the server waits while nobody asks. Rows have
 * no order there, so that nothing but the part that was given last can be had again.
 */
export class KeylessRead {
  readonly #table: SnapshotTable;
  readonly #read: MarkedRead;
  readonly #sessions: ServerSession;
  #begun: { readonly read: BegunRead; readonly marks: ReadMarks } | undefined;
  #running: Promise<void> | undefined;
  #rows: Row[] = [];
  #bytes = 0;
  #wanted = 0;
  #given = 0;
  #last: KeylessRows | undefined;
  #ended = false;
  #failure: unknown;
  /** Resolves when there is enough, or no more. */
  #enough = Promise.withResolvers<void>();
  #more: PromiseWithResolvers<void> | undefined;

  constructor(table: SnapshotTable, read: MarkedRead, sessions: ServerSession) {
    this.#table = table;
    this.#read = read;
    this.#sessions = sessions;
  }

  /** Whether the rows behind so many can be given. */
  stands(table: SnapshotTable, from: number): boolean {
    const isSame = table.schema === this.#table.schema && table.table === this.#table.table;
    return isSame && (from === this.#given || from === this.#given - (this.#last?.rows.length ?? 0));
  }

  /** Undefined: there are no more. Rejects as the session does. */
  async next(from: number, rows: number): Promise<KeylessRows | undefined> {
    if (this.#last !== undefined && from < this.#given) return this.#last;
    this.#wanted = rows;
    const { marks } = await this.#begin();
    if (!this.#isEnough()) {
      this.#enough = Promise.withResolvers();
      this.#more?.resolve();
      this.#more = undefined;
      if (!this.#ended) await this.#enough.promise;
    }
    if (this.#failure !== undefined) throw this.#failure as Error;
    const given = this.#rows.splice(0, rows);
    this.#bytes = 0;
    if (given.length === 0) return undefined;
    this.#given += given.length;
    const done = this.#ended && this.#rows.length === 0;
    this.#last = { rows: given, marks, until: this.#given, done };
    return this.#last;
  }

  async close(): Promise<void> {
    const isRunning = this.#running !== undefined && !this.#ended;
    // What still comes is not wanted: a new connection costs less.
    if (isRunning) (await this.#sessions.get().catch(() => undefined))?.destroy();
    this.#more?.resolve();
    await this.#running;
  }

  async #begin(): Promise<{ readonly read: BegunRead; readonly marks: ReadMarks }> {
    if (this.#begun !== undefined) return this.#begun;
    const read = await this.#read(this.#table);
    const started = Promise.withResolvers<void>();
    const handler: RowHandler<unknown> = {
      readers: this.#table.readers.map((reader) => (buffer: Buffer, from: number, to: number): unknown => {
        this.#bytes += to - from;
        return reader(buffer, from, to);
      }),
      columns: () => started.resolve(),
      row: (values) => this.#take(values),
    };
    this.#running = read.session
      .query(this.#table.wholeQuery, handler)
      .then(() => read.end())
      .catch((err: unknown) => {
        this.#failure = err;
      })
      .finally(() => {
        this.#ended = true;
        started.resolve();
        this.#enough.resolve();
      });
    // The answer has begun: what it sees is settled.
    await started.promise;
    this.#begun = { read, marks: await read.marks() };
    return this.#begun;
  }

  #take(values: readonly unknown[]): Promise<void> | undefined {
    this.#rows.push(this.#table.rowOf(values));
    if (!this.#isEnough()) return undefined;
    this.#enough.resolve();
    // Rows of the same packets still come; the connection is not read meanwhile.
    this.#more ??= Promise.withResolvers();
    return this.#more.promise;
  }

  #isEnough(): boolean {
    return this.#rows.length >= this.#wanted || this.#bytes > MAX_CHUNK_BYTES;
  }
}
