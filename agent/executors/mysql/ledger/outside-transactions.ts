import type { MysqlSession } from '../session/session.ts';
import type { StatementKind } from '../text/statement-kind.ts';

/** With more of them, every change counts as one of theirs. */
const MAX_TABLES = 10_000;
const WORDS = /`(?:[^`]|``)+`|[\w$\u0080-\uffff]+/g;
const OTHER_ENGINE = /\bENGINE\b|\bSTORAGE_ENGINE\b/i;

const QUERY = `SELECT TABLE_NAME AS name FROM information_schema.TABLES WHERE TABLE_TYPE = 'BASE TABLE'
  AND TABLE_SCHEMA NOT IN ('mysql', 'information_schema', 'performance_schema', 'sys')
  AND ENGINE NOT IN (SELECT ENGINE FROM information_schema.ENGINES WHERE TRANSACTIONS = 'YES') LIMIT ${MAX_TABLES + 1}`;

/** Knows the tables that no transaction holds: those of MyISAM, Aria, MEMORY … */
export class OutsideTransactions {
  #names: ReadonlySet<string> = new Set();
  #isStale = false;

  async read(session: MysqlSession): Promise<void> {
    const rows = await session.rows(QUERY);
    this.#names = new Set(rows.map(({ name }) => (name ?? '').toLowerCase()));
    this.#isStale = false;
  }

  /** Told of each statement: it may make such a table. */
  note(text: string, kind: StatementKind): void {
    if ((kind === 'ddl' || kind === 'set') && OTHER_ENGINE.test(text)) this.#isStale = true;
  }

  /** Whether a change is one of theirs, by the words in it; what triggers and functions change is not seen. */
  async changes(session: MysqlSession, text: string, kind: StatementKind): Promise<boolean> {
    if (kind !== 'dml') return false;
    if (this.#isStale) await this.read(session);
    if (this.#names.size === 0) return false;
    if (this.#names.size > MAX_TABLES) return true;
    for (const [word] of text.matchAll(WORDS)) if (this.#names.has(word.replaceAll('`', '').toLowerCase())) return true;
    return false;
  }
}
