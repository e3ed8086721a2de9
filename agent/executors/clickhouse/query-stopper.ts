import type { NativeConnection } from './native/connection.ts';
import { ConnectionError } from './native/native-error.ts';
import type { StatementRun } from './session.ts';

/** A query that does not end by itself is killed after this time; after the second one the connection is closed. */
const KILL_AFTER_MS = 1_500;
const GIVE_UP_AFTER_MS = 8_000;
/** For the answer to KILL QUERY. */
const KILL_MS = 4_000;

/** Ends a query on its server when the run's signal aborts: by a cancel packet, else by KILL QUERY, else by closing. */
export class QueryStopper {
  /** To be told when rows are being sent: these end only with their connection, as a cancel would keep what was sent. */
  readonly sending = { active: false };
  readonly #connection: NativeConnection;
  readonly #open: () => Promise<NativeConnection>;
  readonly #run: StatementRun;
  readonly #stop = (): void => this.#begin();
  #killing: Promise<void> | undefined;
  #timers: NodeJS.Timeout[] = [];

  constructor(connection: NativeConnection, open: () => Promise<NativeConnection>, run: StatementRun) {
    this.#connection = connection;
    this.#open = open;
    this.#run = run;
    run.signal.addEventListener('abort', this.#stop, { once: true });
  }

  /** The query has ended, one way or the other. Resolves when nothing more is asked of the server. */
  async end(): Promise<void> {
    this.#run.signal.removeEventListener('abort', this.#stop);
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#killing;
  }

  #begin(): void {
    const stopped = new ConnectionError('the query was ended');
    if (this.sending.active) {
      this.#connection.destroy(stopped);
      this.#kill();
      return;
    }
    this.#connection.cancel();
    this.#timers = [
      setTimeout(() => this.#kill(), KILL_AFTER_MS),
      setTimeout(() => {
        this.#run.note('warn', `the server did not say that query ${this.#run.queryId} has ended`);
        this.#connection.destroy(stopped);
      }, GIVE_UP_AFTER_MS),
    ];
  }

  #kill(): void {
    this.#killing ??= this.#sendKill().catch((err: unknown) => {
      this.#run.note('warn', `query ${this.#run.queryId} could not be killed: ${(err as Error).message}`);
    });
  }

  async #sendKill(): Promise<void> {
    const connection = await this.#open();
    const timer = setTimeout(() => connection.destroy(), KILL_MS);
    try {
      await connection.query(`kill-${this.#run.queryId}`, killStatement(this.#run.queryId));
      while ((await connection.answer()).kind !== 'end');
    } finally {
      clearTimeout(timer);
      connection.destroy();
    }
  }
}

/** Kills the query and those that belong to it. `queryId` is one that we made: letters, digits and dashes. */
export const killStatement = (queryId: string): string =>
  `KILL QUERY WHERE query_id = '${queryId}' OR query_id LIKE '${queryId}-%' ASYNC`;
