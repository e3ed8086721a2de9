import type { Target } from '../../../connections/target.ts';
import { BinlogError } from './binlog-error.ts';
import { comparePositions } from './binlog-position.ts';
import type { BinlogPosition } from './binlog-position.ts';
import { ChangeAssembler } from './change-assembler.ts';
import type { ChangeHandler } from './change-assembler.ts';
import type { ColumnLookup } from './column-fact.ts';
import { currentPosition } from './current-position.ts';
import { EventStream } from './event-stream.ts';
import { ownByGtid, ownByThread } from './own-transactions.ts';
import { notInLog, TransactionSearch } from './transaction-search.ts';
import { LogConnection, openSession } from './transport/log-connection.ts';
import type { LogLogin } from './transport/log-connection.ts';

export interface WantedTransaction {
  /** What the server said with the COMMIT (MariaDB: `@@last_gtid`). */
  readonly gtid?: string | undefined;
  /** Without a GTID: the connection's number, under which all between the two positions are taken. */
  readonly threadId: number;
  /** Taken before the transaction began. */
  readonly from: BinlogPosition;
  /** Taken after it had committed: without a GTID all until here are taken, else the first. */
  readonly until?: BinlogPosition | undefined;
}

export interface ReaderOptions extends LogLogin {
  /** How long a transaction may be looked for; two minutes unless set. */
  readonly searchMs?: number;
}

export interface TransactionRead {
  /** Without a GTID, nothing was found of a transaction that changed nothing. */
  readonly found: boolean;
  readonly changes: number;
}

const SEARCH_MS = 120_000;
const FIRST_EVENT_MS = 15_000;
/** What is lost with a connection is read once more, so often. */
const TRIES = 3;
/** Farther ahead it is quicker to begin there than to pass over what lies between. */
const PASS_OVER_BYTES = 16 * 1024 * 1024;

/**
 * Reads what one's own transactions have changed. One call at a time, in the order in which they committed: each is
 * looked for behind the one before. To be closed by whoever opened it.
 */
export class BinlogReader {
  readonly #target: Target;
  readonly #options: ReaderOptions;
  #opened: Opened | undefined;
  #boundary: BinlogPosition;

  private constructor(target: Target, from: BinlogPosition, options: ReaderOptions) {
    this.#target = target;
    this.#options = options;
    this.#boundary = from;
  }

  /** Connects and reads the first event, so that a missing right is told now. Rejects with `BinlogError`. */
  static async open(target: Target, from: BinlogPosition, options: ReaderOptions = {}): Promise<BinlogReader> {
    const reader = new BinlogReader(target, from, options);
    try {
      const { stream } = await reader.#connected(from);
      const late = new BinlogError(
        'TimedOut',
        `the server did not begin to send its binary log within ${FIRST_EVENT_MS} ms`,
      );
      const limit = new Deadline(FIRST_EVENT_MS, late);
      await stream.next(limit.signal).finally(() => limit.lift());
      return reader;
    } catch (err) {
      reader.close();
      throw err;
    }
  }

  /**
   * Gives the changes of a transaction that has committed to `take`. Resolves when it has taken all. Rejects with
   * `BinlogError` (`NotInLog` when there is no such GTID, or the log, as MariaDB's before 11.5, does not tell threads), with what `columnsOf` or `take` rejected with, or with the
   * signal's reason; `take` may have had some of the changes then.
   */
  async transaction(
    wanted: WantedTransaction,
    columnsOf: ColumnLookup,
    take: ChangeHandler,
    signal: AbortSignal,
  ): Promise<TransactionRead> {
    let taken = 0;
    for (let attempt = 1; ; attempt += 1) {
      // The log does not change: what has been taken comes again in the same order.
      let skip = taken;
      const takeNew: ChangeHandler = (change) => {
        if (skip > 0) {
          skip -= 1;
          return undefined;
        }
        taken += 1;
        return take(change);
      };
      try {
        return await this.#read(wanted, columnsOf, takeNew, signal);
      } catch (err) {
        this.close();
        if (!(err instanceof BinlogError) || err.reason !== 'Unavailable' || attempt === TRIES) throw err;
      }
    }
  }

  close(): void {
    this.#opened?.connection.close();
    this.#opened = undefined;
  }

  async #read(
    wanted: WantedTransaction,
    columnsOf: ColumnLookup,
    take: ChangeHandler,
    signal: AbortSignal,
  ): Promise<TransactionRead> {
    const { gtid, threadId, from, until } = wanted;
    const own = gtid === undefined ? ownByThread(threadId, until !== undefined) : ownByGtid(gtid);
    const { searchMs = SEARCH_MS } = this.#options;
    const late = new BinlogError('TimedOut', `the transaction was not found in the binary log within ${searchMs} ms`);
    const limit = new Deadline(searchMs, late, signal);
    let search: TransactionSearch | undefined;
    try {
      const { stream, connection } = await this.#connected(from);
      search = new TransactionSearch(stream, { own, from, until, logEnd: () => this.#logEnd() });
      const assembler = new ChangeAssembler(columnsOf, connection, (change) => {
        // Found: what is left of it is in the log.
        limit.lift();
        return take(change);
      });
      await search.run(assembler, limit.signal);
      if (search.found === 0 && gtid !== undefined) throw notInLog(gtid, search.boundary);
      this.#boundary = search.boundary;
      return { found: search.found > 0, changes: assembler.count };
    } catch (err) {
      // What was passed over need not be read again.
      if (search?.found === 0) this.#boundary = search.boundary;
      throw err;
    } finally {
      limit.lift();
    }
  }

  /** Undefined where the login may not ask: REPLICATION SLAVE alone is enough to read the log. */
  async #logEnd(): Promise<BinlogPosition | undefined> {
    const session = await openSession(this.#target, this.#options);
    try {
      return await currentPosition(session);
    } catch {
      return undefined;
    } finally {
      await session.end();
    }
  }

  async #connected(from: BinlogPosition): Promise<Opened> {
    const start = comparePositions(from, this.#boundary) > 0 ? from : this.#boundary;
    const isFar = start.file !== this.#boundary.file || start.position - this.#boundary.position > PASS_OVER_BYTES;
    if (this.#opened !== undefined && !isFar) return this.#opened;
    this.close();
    const connection = await LogConnection.open(this.#target, start, this.#options);
    this.#boundary = start;
    this.#opened = { connection, stream: new EventStream(connection, start) };
    return this.#opened;
  }
}

interface Opened {
  readonly connection: LogConnection;
  readonly stream: EventStream;
}

/** Ends what takes too long with this error. */
class Deadline {
  readonly signal: AbortSignal;
  readonly #timer: NodeJS.Timeout;

  constructor(ms: number, late: BinlogError, signal?: AbortSignal) {
    const controller = new AbortController();
    this.signal = signal === undefined ? controller.signal : AbortSignal.any([signal, controller.signal]);
    this.#timer = setTimeout(() => controller.abort(late), ms);
  }

  /** It is done, or no longer limited. */
  lift(): void {
    clearTimeout(this.#timer);
  }
}
