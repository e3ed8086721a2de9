import type { RowSource, TableFacts } from '../backup/table-facts.ts';
import { readTableFacts } from '../backup/table-facts.ts';
import { quoteText } from '../backup/quote.ts';
import { foreignCall } from './foreign-call.ts';
import { StatementTokens } from './statement-tokens.ts';
import { tableReferences } from './table-references.ts';

/** What is quickly known of a table. */
export interface TableState {
  readonly isView: boolean;
  /** As the server estimates. */
  readonly rows: number;
  readonly bytes: number;
}

/** So many tables are remembered; a script that names more is asked about them again. */
const MAX_KNOWN = 2000;
/** A view of views of views. */
const MAX_VIEWS = 8;

/** Answers about tables as they are now, remembered until a statement of the script changes them. */
export class TableLookup {
  readonly #source: RowSource;
  readonly #states = new Map<string, TableState | undefined>();
  readonly #facts = new Map<string, TableFacts | undefined>();

  constructor(source: RowSource) {
    this.#source = source;
  }

  /** Undefined: there is none, or the login does not see it. */
  async state(schema: string, table: string): Promise<TableState | undefined> {
    return remembered(this.#states, schema, table, async () => {
      const [row] = await this.#source.rows(
        `SELECT TABLE_TYPE AS type, TABLE_ROWS AS row_count, DATA_LENGTH AS bytes FROM information_schema.TABLES WHERE TABLE_SCHEMA = ${quoteText(schema)} AND TABLE_NAME = ${quoteText(table)}`,
      );
      if (row === undefined) return undefined;
      // A SYSTEM VIEW is the server's own.
      const isView = String(row['type']).toUpperCase() === 'VIEW';
      return { isView, rows: Number(row['row_count'] ?? 0), bytes: Number(row['bytes'] ?? 0) };
    });
  }

  async facts(schema: string, table: string): Promise<TableFacts | undefined> {
    return remembered(this.#facts, schema, table, () => readTableFacts(this.#source, schema, table));
  }

  /** What a view, or one below it, calls that may have effects; undefined: nothing. */
  async callInView(schema: string, view: string, depth = 0): Promise<string | undefined> {
    if (depth > MAX_VIEWS) return 'more views than are followed';
    const [row] = await this.#source.rows(
      `SELECT VIEW_DEFINITION AS body FROM information_schema.VIEWS WHERE TABLE_SCHEMA = ${quoteText(schema)} AND TABLE_NAME = ${quoteText(view)}`,
    );
    const body = row?.['body'];
    // Without the right to, its text is not to be seen.
    if (typeof body !== 'string' || body === '') return 'a view whose text is not to be seen';
    const tokens = new StatementTokens(body);
    const call = tokens.cut ? 'a long view' : foreignCall(tokens);
    if (call !== undefined) return call;
    for (const table of tableReferences(tokens, 0, tokens.length)) {
      const within = table.schema ?? schema;
      if ((await this.state(within, table.name))?.isView !== true) continue;
      const below = await this.callInView(within, table.name, depth + 1);
      if (below !== undefined) return below;
    }
    return undefined;
  }

  forget(): void {
    this.#states.clear();
    this.#facts.clear();
  }
}

async function remembered<T>(known: Map<string, T>, schema: string, table: string, read: () => Promise<T>): Promise<T> {
  const id = JSON.stringify([schema, table]);
  if (known.has(id)) return known.get(id) as T;
  const value = await read();
  if (known.size >= MAX_KNOWN) known.clear();
  known.set(id, value);
  return value;
}
