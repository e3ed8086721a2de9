import type { Connection } from 'pg';

/** A column as the server describes it. */
export interface Field {
  readonly name: string;
  /** The type's object id. */
  readonly dataTypeID: number;
}

/** Takes what a query brings, in order. A promise holds the server back. */
export interface QueryHandler {
  /** Rows come next. */
  columns(fields: readonly Field[]): void;
  /** Without `columns` before it: a line of COPY … TO stdout. */
  row(values: readonly (string | null)[]): Promise<void> | undefined;
  /** A statement has ended; the tag is as psql shows it, such as `INSERT 0 1`. */
  complete(tag: string): Promise<void> | undefined;
  /** A statement has ended after `discard`: what it brought is dropped. */
  skipped?(): void;
}

/** What is in fact behind the type: it holds the calls that only drivers make. */
interface DriverConnection extends Connection {
  sendCopyFromChunk(chunk: Buffer): void;
  endCopyFrom(): void;
  sendCopyFail(message: string): void;
}

/**
 * One Query message with one statement or several, by the simple protocol: everything a server can execute, in one trip,
 * each statement with its own count. Rows come as the server writes them, so that no digit is lost, and as fast as they
 * are taken: meanwhile the connection is not read.
 *
 * It has the methods that `pg` calls on what is given to `Client.query`.
 */
export class StatementQuery {
  readonly #text: string;
  readonly #handler: QueryHandler;
  readonly #copyData: AsyncIterable<string> | undefined;
  readonly #done = Promise.withResolvers<void>();
  #connection: DriverConnection | undefined;
  /** What the handler has to do before more may come. */
  #holding = 0;
  #tail: Promise<void> = Promise.resolve();
  #failure: unknown;
  #discarding = false;
  /** Told when the handler or the data of COPY failed: the query is of no use any more, but may still run. */
  onFailure: () => void = () => undefined;

  constructor(text: string, handler: QueryHandler, copyData?: AsyncIterable<string>) {
    this.#text = text;
    this.#handler = handler;
    this.#copyData = copyData;
    this.#done.promise.catch(() => undefined);
  }

  /**
   * Resolves when the server has executed all and is ready for more, and the handler has taken all. Rejects with the
   * server's error, with the handler's, or with that of the connection.
   */
  get done(): Promise<void> {
    return this.#done.promise;
  }

  /** Drops whatever else comes; only how many statements end is told. */
  discard(): void {
    this.#discarding = true;
    this.#connection?.stream.resume();
  }

  submit(connection: Connection): void {
    this.#connection = connection as DriverConnection;
    connection.query(this.#text);
  }

  handleRowDescription({ fields }: { readonly fields: readonly Field[] }): void {
    if (!this.#discarding) this.#handler.columns(fields);
  }

  handleDataRow({ fields }: { readonly fields: readonly (string | null)[] }): void {
    if (!this.#discarding) this.hold(this.#handler.row(fields));
  }

  handleCommandComplete({ text }: { readonly text: string }): void {
    this.#complete(text);
  }

  /** A query of nothing but comments: the splitter gives none. */
  handleEmptyQuery(): void {
    this.#complete('');
  }

  handlePortalSuspended(): void {
    this.#fail(new Error('the server suspended a statement that was to run to its end'));
  }

  handleCopyInResponse(): void {
    const connection = this.#connection;
    if (connection === undefined) return;
    if (this.#copyData === undefined) {
      connection.sendCopyFail('a task has no standard input: its data must follow the statement in the text');
      return;
    }
    void this.#sendCopyData(connection, this.#copyData);
  }

  handleCopyData({ chunk }: { readonly chunk: Buffer }): void {
    if (!this.#discarding) this.hold(this.#handler.row([chunk.toString().replace(/\r?\n$/, '')]));
  }

  handleReadyForQuery(): void {
    // What the handler still does belongs to the query.
    void this.#tail.then(() => (this.#failure === undefined ? this.#done.resolve() : this.#done.reject(this.#failure)));
  }

  handleError(err: unknown, connection: Connection): void {
    const reject = (): void => {
      connection.off('readyForQuery', reject).off('end', reject);
      void this.#tail.then(() => this.#done.reject(this.#failure ?? err));
    };
    this.#discarding = true;
    connection.stream.resume();
    if (connection.stream.destroyed) return reject();
    // After an error of a statement the server says when it is ready; `pg` does not tell the query.
    connection.on('readyForQuery', reject).on('end', reject);
  }

  /** Nothing more is read until the work is done. */
  hold(work: Promise<void> | undefined): void {
    if (work === undefined || this.#discarding) return;
    this.#holding += 1;
    this.#connection?.stream.pause();
    const taken = work
      .catch((err: unknown) => this.#fail(err))
      .finally(() => {
        this.#holding -= 1;
        if (this.#holding === 0) this.#connection?.stream.resume();
      });
    this.#tail = this.#tail.then(() => taken);
  }

  #complete(tag: string): void {
    if (!this.#discarding) this.hold(this.#handler.complete(tag));
    // After a failure of the handler the statement that it was about is the last to count.
    else if (this.#failure === undefined) this.#handler.skipped?.();
  }

  async #sendCopyData(connection: DriverConnection, data: AsyncIterable<string>): Promise<void> {
    try {
      for await (const part of data) {
        if (this.#discarding) break;
        connection.sendCopyFromChunk(Buffer.from(part));
        if (connection.stream.writableNeedDrain) await drained(connection);
      }
      if (!this.#discarding) connection.endCopyFrom();
    } catch (err) {
      this.#fail(err);
      connection.sendCopyFail('the data could not be read');
    }
  }

  #fail(err: unknown): void {
    this.#failure ??= err;
    this.discard();
    this.onFailure();
  }
}

/** Resolves when the connection takes more, or is gone. */
function drained(connection: Connection): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      connection.stream.off('drain', done).off('close', done);
      resolve();
    };
    connection.stream.once('drain', done).once('close', done);
  });
}
