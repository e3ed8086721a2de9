import { quoteTable } from '../../../../executors/mysql/backup/quote.ts';
import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import { quoteName } from '../../../../executors/mysql/session/session.ts';
import type { Reader } from '../../../../executors/mysql/session/query-command.ts';
import { SourceError } from '../../../source.ts';
import type { Row } from '../../../sync-event.ts';
import { rowKey } from '../row-key.ts';
import type { TableShape } from '../table-shapes.ts';
import { integerJson } from '../values/json-value.ts';
import { snapshotColumn } from '../values/snapshot-column.ts';
import { chosenFields } from '../wanted-columns.ts';
import { behind, isComparable, isOrderedByNumber } from './key-literal.ts';
import type { KeyValue } from './key-literal.ts';

/** What a cursor says of a place in a table: behind this key. */
export type KeyValues = readonly KeyValue[];

/** How the rows of a table are asked for, and what becomes of them. */
export class SnapshotTable {
  readonly schema: string;
  readonly table: string;
  readonly fields: readonly string[];
  readonly readers: readonly Reader[];
  readonly #key: readonly ColumnFact[] | undefined;
  readonly #expressions: readonly string[];
  /** Places in a row of what orders it. */
  readonly #order: readonly number[];
  readonly #keyOf: ((row: Row) => string) | undefined;

  /** Undefined: no column of the table is asked for. Throws a `SourceError` for a type that is not known. */
  static of(shape: TableShape, wanted: readonly string[] | undefined): SnapshotTable | undefined {
    const columns = shape.columns.map(({ name }) => name);
    const chosen = chosenFields({ ...shape, columns }, wanted);
    return chosen === undefined ? undefined : new SnapshotTable(shape, chosen);
  }

  private constructor({ schema, table, columns, key }: TableShape, chosen: ReadonlySet<string>) {
    this.schema = schema;
    this.table = table;
    this.fields = [...chosen];
    this.#keyOf = rowKey(schema, table, key);
    this.#key = key?.flatMap((name) => columns.filter((fact) => fact.name === name));
    const read = columns.filter(({ name }) => chosen.has(name)).map((fact) => columnOf(fact, this));
    const expressions = read.map(({ expression }) => expression);
    const readers = read.map((column) => column.read);
    this.#order = (this.#key ?? []).map((fact) => {
      if (!isOrderedByNumber(fact)) return this.fields.indexOf(fact.name);
      readers.push((buffer, from, to) => integerJson(buffer.toString('latin1', from, to)));
      return expressions.push(`${quoteName(fact.name)} + 0`) - 1;
    });
    this.#expressions = expressions;
    this.readers = readers;
  }

  /** Whether its rows can be asked for in the order of a key. */
  get hasOrder(): boolean {
    return this.#key?.every(isComparable) ?? false;
  }

  /** All of it, in no order. */
  get wholeQuery(): string {
    return `SELECT ${this.#expressions.join(', ')} FROM ${quoteTable(this.schema, this.table)}`;
  }

  /** The rows behind a key, in its order. Throws `PositionLostError` when it is the key of another table. */
  query(after: KeyValues | undefined, limit: number): string {
    const key = this.#key ?? [];
    const where = after === undefined ? '' : ` WHERE ${behind(key, after)}`;
    const order = key.map(({ name }) => quoteName(name)).join(', ');
    return `${this.wholeQuery}${where} ORDER BY ${order} LIMIT ${limit}`;
  }

  rowOf(values: readonly unknown[]): Row {
    const row: Record<string, unknown> = {};
    let index = 0;
    for (const name of this.fields) {
      row[name] = values[index];
      index += 1;
    }
    return row;
  }

  /** Where a row stands in the order. */
  placeOf(values: readonly unknown[]): KeyValues {
    return this.#order.map((index) => values[index] as KeyValue);
  }

  keyOf(row: Row): string {
    return this.#keyOf?.(row) ?? '';
  }
}

function columnOf(fact: ColumnFact, { schema, table }: SnapshotTable): { expression: string; read: Reader } {
  const column = snapshotColumn(fact);
  if (column !== undefined) return column;
  throw new SourceError(
    'TypeUnknown',
    `the column ${schema}.${table}.${fact.name} has the type ${fact.type}, which is not known`,
    { retryable: false },
  );
}
