import { readTableFacts } from '../../../executors/mysql/backup/table-facts.ts';
import type { RowSource } from '../../../executors/mysql/backup/table-facts.ts';
import type { ColumnFact } from '../../../executors/mysql/binlog/column-fact.ts';

/** What a table is now. */
export interface TableShape {
  readonly schema: string;
  readonly table: string;
  readonly engine: string | undefined;
  readonly columns: readonly ColumnFact[];
  /** The columns of the primary key, else of the shortest unique one without NULLs, in its order; undefined: there is none. */
  readonly key: readonly string[] | undefined;
}

/** Asks a server for the shapes of its tables, once for each until all are forgotten. */
export class TableShapes {
  readonly session: RowSource;
  readonly #known = new Map<string, Promise<TableShape | undefined>>();

  constructor(session: RowSource) {
    this.session = session;
  }

  /** Undefined: there is no such table, or the login may not see it. Rejects as the session does. */
  get(schema: string, table: string): Promise<TableShape | undefined> {
    const name = `${schema}.${table}`;
    let found = this.#known.get(name);
    if (found === undefined) {
      found = this.#read(schema, table);
      this.#known.set(name, found);
      found.catch(() => this.#known.delete(name));
    }
    return found;
  }

  /** A table may have been altered. */
  forget(): void {
    this.#known.clear();
  }

  async #read(schema: string, table: string): Promise<TableShape | undefined> {
    const facts = await readTableFacts(this.session, schema, table, 'nobody');
    if (facts === undefined) return undefined;
    const { columns, engine } = facts;
    const key = facts.key?.map((place) => columns[place]?.name ?? '');
    return { schema, table, engine, columns, key };
  }
}
