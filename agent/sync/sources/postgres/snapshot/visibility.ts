import { setTimeout as delay } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Queries } from '../server/queries.ts';
import { TransactionSet } from './transaction-set.ts';

/** Beyond so many the server is asked which of them need not be remembered. */
const MAX_REMEMBERED = 65_536;
const ASK_AGAIN_MS = 20;
const ASK_SELDOM_MS = 1000;
/** A wait that somebody might wonder about. */
const LONG_MS = 5000;

/** Snapshots of a server, as it is asked for them. */
async function currentTransactions(queries: Queries, signal?: AbortSignal): Promise<TransactionSet> {
  const [row] = await queries.rows('SELECT pg_current_snapshot()', signal);
  return new TransactionSet(row?.[0] ?? '');
}

/**
 * Which transactions the stream has brought that may not be visible yet: a transaction is in the log, and may be sent from there,
 * before others see it; with synchronous replication for as long as a standby is away.
 */
export class Visibility {
  readonly #queries: Queries;
  readonly #logger: Logger;
  #brought = new Set<number>();
  /** Under way when the stream began: they may be in the part of the log that lies before. */
  #before: ReadonlySet<number> | undefined;

  constructor(queries: Queries, logger: Logger) {
    this.#queries = queries;
    this.#logger = logger;
  }

  /** The stream is about to begin. */
  async begin(signal: AbortSignal): Promise<void> {
    const { running } = await currentTransactions(this.#queries, signal);
    // Not sooner: a snapshot that begins meanwhile waits for what the last stream has brought.
    this.#before = running;
    this.#brought.clear();
  }

  /** The stream has brought a transaction. A promise holds the stream back. */
  note(xid: number): Promise<void> | undefined {
    this.#brought.add(xid);
    return this.#brought.size > MAX_REMEMBERED ? this.#forget() : undefined;
  }

  /** Resolves when all that the stream has brought until now is visible to what is read from then on. */
  async settled(signal: AbortSignal): Promise<void> {
    const brought = [...this.#brought];
    // Without a stream here nobody knows what another has brought.
    const before = [...(this.#before ?? (await currentTransactions(this.#queries, signal)).running)];
    const since = performance.now();
    let isTold = false;
    for (let waitMs = ASK_AGAIN_MS; ; waitMs = Math.min(2 * waitMs, ASK_SELDOM_MS)) {
      const now = await currentTransactions(this.#queries, signal);
      const left = [...brought, ...before].filter((xid) => !now.sees(xid));
      if (left.length === 0) return;
      if (!isTold && performance.now() - since > LONG_MS) {
        isTold = true;
        this.#logger.info({ xids: left.slice(0, 10) }, 'a snapshot waits for transactions that have not ended');
      }
      await delay(waitMs, undefined, { signal });
    }
  }

  async #forget(): Promise<void> {
    const now = await currentTransactions(this.#queries);
    this.#brought = new Set([...this.#brought].filter((xid) => !now.sees(xid)));
    this.#before = new Set([...(this.#before ?? [])].filter((xid) => !now.sees(xid)));
  }
}
