import type { ColumnFact } from '../binlog/column-fact.ts';
import { shapeOf } from '../review/statement-shape.ts';
import type { MysqlSession } from '../session/session.ts';
import type { SentStatement } from '../script/transaction-observer.ts';
import { readTableFacts } from './table-facts.ts';
import type { RowSource, TableFacts } from './table-facts.ts';
import { visibleTriggers } from './visible-triggers.ts';
import type { SeesTriggers } from './visible-triggers.ts';

export interface TableCatalogOptions {
  /** A session of ours as the task's login. */
  readonly facts: MysqlSession;
  /** A session as who reads the log, when that is another login: it may see triggers that the task's does not. */
  readonly backup: MysqlSession;
}

/** The names of the tables that a statement changes stand at its begin. */
const MAX_READ_CHARS = 4096;
const NAME = '(?:`[^`]+`|[\\w$\\u0080-\\uffff]+)';
const TABLE = `\\s+${NAME}(?:\\.${NAME})?`;
/** Up to the name of the only table that is changed. */
const BEGIN = new RegExp(
  `^(?:(?:INSERT|REPLACE)(?:\\s+IGNORE)?\\s+INTO${TABLE}(?![\\w$.\`\\u0080-\\uffff])|UPDATE${TABLE}\\s+SET\\b|DELETE\\s+FROM${TABLE}\\s+WHERE\\b)`,
  'i',
);

/** Facts of the tables that one transaction changes, read while its locks keep them from changing. */
export class TableCatalog {
  readonly #options: TableCatalogOptions;
  #sees: readonly (readonly [RowSource, SeesTriggers])[] | undefined;
  #tables = new Map<string, Promise<TableFacts | undefined>>();

  constructor(options: TableCatalogOptions) {
    this.#options = options;
  }

  /** Another transaction begins: what was known may have changed. */
  forget(): void {
    this.#tables = new Map();
  }

  /** Of a table as the log names it; undefined: there is none that the login sees. */
  get(schema: string, table: string): Promise<TableFacts | undefined> {
    const id = JSON.stringify([schema, table]);
    const known = this.#tables.get(id);
    if (known !== undefined) return known;
    const read = this.#read(schema, table);
    // Whoever waits hears of it; a failed preparation leaves nobody waiting.
    read.catch(() => undefined);
    this.#tables.set(id, read);
    return read;
  }

  /** For the reader of the log. */
  async columnsOf(schema: string, table: string): Promise<readonly ColumnFact[]> {
    return (await this.get(schema, table))?.columns ?? [];
  }

  /**
   * Reads what the statements of an open transaction have changed, as far as their texts name it. Resolves to the
   * numbers of those that changed only tables which no other session sees: temporary ones.
   */
  async prepare(session: MysqlSession, statements: readonly SentStatement[]): Promise<ReadonlySet<number>> {
    const unseen = new Set<number>();
    /** Of statements that begin alike only the first is read: a script has thousands of them. */
    const known = new Map<string, boolean>();
    for (const { number, text, outcome } of statements) {
      if (outcome.affectedRows === 0) continue;
      const begin = BEGIN.exec(text)?.[0];
      const before = begin === undefined ? undefined : known.get(begin);
      if (before !== undefined) {
        if (!before) unseen.add(number);
        continue;
      }
      const changed = shapeOf(text.slice(0, MAX_READ_CHARS), session.serverVersion).tables.filter(
        ({ use }) => use === 'change',
      );
      let seen = changed.length === 0;
      for (const { schema = session.schema, name } of changed)
        if (schema === undefined || (await this.get(schema, name)) !== undefined) seen = true;
      if (!seen) unseen.add(number);
      if (begin !== undefined) known.set(begin, seen);
    }
    return unseen;
  }

  async #read(schema: string, table: string): Promise<TableFacts | undefined> {
    const { facts, backup } = this.#options;
    this.#sees ??= await Promise.all(
      [...new Set([facts, backup])].map(async (session) => [session, await visibleTriggers(session)] as const),
    );
    const seeing = this.#sees.find(([, sees]) => sees(schema, table));
    return readTableFacts(facts, schema, table, seeing?.[0] ?? 'nobody');
  }
}
