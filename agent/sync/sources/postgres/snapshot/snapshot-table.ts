import type { Row } from '../../../sync-event.ts';
import { quote, quoteName } from '../server/queries.ts';
import type { TextRow } from '../server/queries.ts';
import { rowKey } from '../tables/row-key.ts';
import type { CatalogTable } from '../tables/table-catalog.ts';
import type { TypeCatalog } from '../values/type-catalog.ts';
import type { ValueReader } from '../values/value-readers.ts';
import { wantedColumns } from '../tables/wanted-columns.ts';

/** Before the first row of a table. */
const BEGINNING = '(0,0)';

/** A table as a snapshot reads it: its rows in the order of its key, or as they lie where the whole row is the key. */
export class SnapshotTable {
  readonly table: CatalogTable;
  readonly fields: readonly string[];
  readonly #readers: readonly ValueReader[];
  /** The places of the key's columns among those that are read: as the log has them, and as the index has them. */
  readonly #keyAt: readonly number[];
  readonly #orderAt: readonly number[];
  readonly #hasKey: boolean;

  /** Undefined: nothing of it is wanted. */
  static async of(
    table: CatalogTable,
    wanted: readonly string[] | undefined,
    types: TypeCatalog,
  ): Promise<SnapshotTable | undefined> {
    const columns = table.columns.map(({ name }) => name);
    const key = table.key.length === 0 ? columns : table.key;
    const places = wantedColumns(wanted, { schema: table.schema, table: table.table, columns, key });
    if (places === undefined) return undefined;
    const read = table.columns.filter((_, at) => places.includes(at));
    return new SnapshotTable({ ...table, columns: read }, await types.readers(read.map(({ type }) => type)));
  }

  private constructor(table: CatalogTable, readers: readonly ValueReader[]) {
    this.table = table;
    this.fields = table.columns.map(({ name }) => name);
    this.#readers = readers;
    this.#hasKey = table.key.length > 0;
    this.#keyAt = this.fields.flatMap((name, at) => (!this.#hasKey || table.key.includes(name) ? [at] : []));
    this.#orderAt = table.key.map((name) => this.fields.indexOf(name));
  }

  /** The rows behind a place, `rows` at most. */
  query(after: readonly string[] | undefined, rows: number): string {
    return this.#hasKey ? this.#queryByKey(after, rows) : this.#queryAsTheyLie(after, rows);
  }

  /**
   * Rows that nothing tells apart but all that they hold. One that is changed moves, and the log has it then; those that are not stay
   * where they are until the table is written anew (VACUUM FULL): then it is read from its beginning.
   */
  #queryAsTheyLie([place = BEGINNING, file]: readonly string[] = [], rows: number): string {
    const { oid, schema, table, filter } = this.table;
    const from = `CASE WHEN pg_relation_filenode(${oid})::text = ${quote(file ?? '')} THEN ${quote(place)} ELSE ${quote(BEGINNING)} END`;
    return [
      `SELECT ${[...this.fields.map(quoteName), 'ctid', `pg_relation_filenode(${oid})`].join(', ')} FROM ONLY ${quoteName(schema)}.${quoteName(table)}`,
      `WHERE ctid > (${from})::tid${filter === null ? '' : ` AND (${filter})`} LIMIT ${rows}`,
    ].join(' ');
  }

  #queryByKey(after: readonly string[] | undefined, rows: number): string {
    const { schema, table, isPartitioned, columns, filter } = this.table;
    const order = this.#orderAt.map((at) => quoteName(this.fields[at] ?? ''));
    const values = after?.map((text, at) => `${quote(text)}::${columns[this.#orderAt[at] ?? 0]?.sql ?? 'text'}`);
    const conditions = [
      ...(filter === null ? [] : [`(${filter})`]),
      ...(values === undefined ? [] : [`(${order.join(', ')}) > (${values.join(', ')})`]),
    ];
    return [
      `SELECT ${this.fields.map(quoteName).join(', ')} FROM ${isPartitioned ? '' : 'ONLY '}${quoteName(schema)}.${quoteName(table)}`,
      ...(conditions.length === 0 ? [] : [`WHERE ${conditions.join(' AND ')}`]),
      `ORDER BY ${order.join(', ')} LIMIT ${rows}`,
    ].join(' ');
  }

  rowOf(texts: TextRow): Row {
    const row: Record<string, unknown> = {};
    for (let at = 0; at < this.fields.length; at += 1) {
      const text = texts[at];
      row[this.fields[at] ?? ''] = text === null || text === undefined ? null : this.#readers[at]?.(text);
    }
    return row;
  }

  /** As the stream has it. */
  keyOf(texts: TextRow): string {
    const { schema, table } = this.table;
    const values = this.#keyAt.map((at) => texts[at]);
    return rowKey(schema, table, values);
  }

  /** What `query` goes on behind. */
  placeOf(texts: TextRow): readonly string[] {
    if (!this.#hasKey) return texts.slice(this.fields.length).map((text) => text ?? '');
    return this.#orderAt.map((at) => texts[at] ?? '');
  }
}
