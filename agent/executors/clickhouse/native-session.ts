import type { NativeConnection } from './native/connection.ts';
import { readToEnd } from './native-answers.ts';
import { insertRows } from './native-insert.ts';
import { QueryStopper } from './query-stopper.ts';
import type { Session, StatementEnd, StatementRun } from './session.ts';
import { classify } from './statement/classify.ts';
import { parseInsert } from './statement/insert-statement.ts';

export interface NativeSessionOptions {
  /** A further connection to the same server, to end queries. */
  readonly open: () => Promise<NativeConnection>;
  /** `clean`: the connection is as it was, so another task may have it. */
  readonly release: (clean: boolean) => void;
}

/** A session on one connection of the native protocol. */
export class NativeSession implements Session {
  readonly description: string;
  readonly #connection: NativeConnection;
  readonly #options: NativeSessionOptions;
  #clean = true;
  #released = false;

  constructor(connection: NativeConnection, options: NativeSessionOptions) {
    const { name, major, minor } = connection.server;
    this.description = `native protocol, ${name} ${major}.${minor}`;
    this.#connection = connection;
    this.#options = options;
  }

  async execute(run: StatementRun): Promise<StatementEnd> {
    run.signal.throwIfAborted();
    const insert = parseInsert(run.text);
    const traits = insert === undefined ? classify(run.text) : undefined;
    if (traits?.changesSession === true) this.#clean = false;
    if (traits?.format !== undefined)
      run.note('info', `FORMAT ${traits.format} is not used: result_format says how rows are shown`);
    const stopper = new QueryStopper(this.#connection, this.#options.open, run);
    try {
      if (insert !== undefined)
        return { written: await insertRows(this.#connection, run, insert, { sending: stopper.sending }) };
      await this.#connection.query(run.queryId, run.text);
      await readToEnd(this.#connection, run);
      run.signal.throwIfAborted();
      return { written: traits?.isInsert === true ? undefined : 0 };
    } catch (err) {
      this.#clean = false;
      throw run.signal.aborted ? run.signal.reason : err;
    } finally {
      await stopper.end();
    }
  }

  release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#options.release(this.#clean);
  }
}
