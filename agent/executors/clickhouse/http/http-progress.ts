import type { StatementRun } from '../session.ts';

const EVERY_MS = 1_000;

/**
 * Asks the server once a second how far a statement is: by HTTP it would tell only in headers, which come with the
 * answer. A server that does not tell, or not within the second, is not asked faster.
 */
export class HttpProgress {
  readonly #ask: (query: string) => Promise<string>;
  readonly #run: StatementRun;
  #timer: NodeJS.Timeout | undefined;
  #stopped = false;

  constructor(ask: (query: string) => Promise<string>, run: StatementRun) {
    this.#ask = ask;
    this.#run = run;
    this.#schedule();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
  }

  #schedule(): void {
    this.#timer = setTimeout(() => {
      void this.#poll()
        .catch(() => undefined)
        .then(() => {
          if (!this.#stopped) this.#schedule();
        });
    }, EVERY_MS).unref();
  }

  async #poll(): Promise<void> {
    const text = await this.#ask(
      `SELECT read_rows, read_bytes, total_rows_approx FROM system.processes WHERE query_id = '${this.#run.queryId}'`,
    );
    const [rows = NaN, bytes = NaN, totalRows = NaN] = text.trim().split('\t').map(Number);
    if (!this.#stopped && rows > 0 && Number.isFinite(bytes + totalRows))
      this.#run.progress({ rows, bytes, totalRows });
  }
}
