import type { Target } from '../../../../connections/target.ts';
import { Session } from '../../../../executors/postgres/session.ts';
import { SESSION_SETTINGS } from './session-settings.ts';

export type TextRow = readonly (string | null)[];

const STATEMENT_MS = 60_000;

/** Asks a server short questions, one after the other, over one connection that is opened when there is one. */
export class Queries {
  readonly #target: Target;
  #session: Session | undefined;
  #tail: Promise<unknown> = Promise.resolve();
  #closed = false;

  constructor(target: Target) {
    this.#target = target;
  }

  /** The rows of all statements in the text. Rejects with the server's error or the network's, or with the signal's reason. */
  rows(text: string, signal?: AbortSignal, timeoutMs = STATEMENT_MS): Promise<readonly TextRow[]> {
    const answer = this.#tail.then(() => this.#ask(text, timeoutMs, signal));
    this.#tail = answer.catch(() => undefined);
    return answer;
  }

  /** Leaves the connection, with whatever it was in the middle of: the next question has another. */
  reset(): void {
    this.#session?.destroy();
    this.#session = undefined;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#session?.destroy();
    await this.#tail;
    this.#session?.destroy();
  }

  async #ask(text: string, timeoutMs: number, signal: AbortSignal | undefined): Promise<readonly TextRow[]> {
    signal?.throwIfAborted();
    const session = await this.#connected();
    const stop = (): void => {
      // Else the server goes on, and waits perhaps for what never comes.
      void session.cancel().catch(() => undefined);
      session.destroy();
    };
    signal?.addEventListener('abort', stop, { once: true });
    try {
      return await session.rows(text, timeoutMs);
    } catch (err) {
      signal?.throwIfAborted();
      throw err;
    } finally {
      signal?.removeEventListener('abort', stop);
    }
  }

  async #connected(): Promise<Session> {
    if (this.#closed) throw new Error('the source is closed');
    if (this.#session !== undefined && this.#session.broken === undefined) return this.#session;
    const session = await Session.connect(this.#target);
    this.#session = session;
    try {
      await session.execute(SESSION_SETTINGS, STATEMENT_MS);
    } catch (err) {
      session.destroy();
      throw err;
    }
    return session;
  }
}

/** A text in SQL. */
export const quote = (text: string): string => `'${text.replaceAll("'", "''")}'`;
/** A name in SQL. */
export const quoteName = (name: string): string => `"${name.replaceAll('"', '""')}"`;
