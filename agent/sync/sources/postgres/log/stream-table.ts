import type { Row } from '../../../sync-event.ts';
import type { Touched } from '../../../stream-entry.ts';
import type { Relation, RowChange, Tuple } from './pgoutput.ts';
import { rowKey } from '../tables/row-key.ts';
import type { ValueReader } from '../values/value-readers.ts';
import { wantedColumns } from '../tables/wanted-columns.ts';

/** Rows of a table as its log writes them. */
export class StreamTable {
  readonly schema: string;
  readonly table: string;
  readonly #columns: readonly string[];
  readonly #readers: readonly ValueReader[];
  /** The places of the columns that tell rows apart. */
  readonly #keyAt: readonly number[];
  #wanted: readonly string[] | undefined;
  #sent: readonly number[] | undefined;

  /** `key`: the names of the columns that tell rows apart. */
  constructor({ schema, table, columns }: Relation, readers: readonly ValueReader[], key: readonly string[]) {
    this.schema = schema;
    this.table = table;
    this.#columns = columns.map(({ name }) => name);
    this.#readers = readers;
    this.#keyAt = this.#columns.flatMap((name, at) => (key.includes(name) ? [at] : []));
    this.#sent = this.#columns.map((_, at) => at);
  }

  isWanted(wanted: readonly string[] | undefined): boolean {
    return this.#sentOf(wanted) !== undefined;
  }

  /** An update that changes a row's key is a deletion and an insertion: consumers know rows by their keys. */
  parts(change: RowChange): readonly RowChange[] {
    const { relation, before, isBeforeWhole } = change;
    const after = whole(change);
    if (change.kind !== 'update' || before === undefined || after === undefined) return [change];
    if (this.#keyOf(before) === this.#keyOf(after)) return [change];
    return [
      { kind: 'delete', relation, before, isBeforeWhole, after: undefined },
      { kind: 'insert', relation, before: undefined, isBeforeWhole: false, after },
    ];
  }

  /** Undefined: nothing of this table is wanted. */
  rowOf(change: RowChange, wanted: readonly string[] | undefined): { fields: string[]; row: Row } | undefined {
    const sent = this.#sentOf(wanted);
    const tuple = whole(change);
    if (sent === undefined || tuple === undefined) return undefined;
    const isKeyOnly = change.kind === 'delete' && !change.isBeforeWhole;
    const fields: string[] = [];
    const row: Record<string, unknown> = {};
    for (const at of sent) {
      const text = tuple[at];
      // A long value that was not changed is not in the log; of a deleted row there is nothing but the key.
      if (text === undefined || (isKeyOnly && !this.#keyAt.includes(at))) continue;
      const name = this.#columns[at] ?? '';
      fields.push(name);
      row[name] = text === null ? null : this.#readers[at]?.(text);
    }
    return { fields, row };
  }

  touched(change: RowChange): Touched {
    const keys = [change.before, whole(change)].flatMap((tuple) => (tuple === undefined ? [] : [this.#keyOf(tuple)]));
    return { keys: [...new Set(keys)] };
  }

  #keyOf(tuple: Tuple): string {
    const values = this.#keyAt.map((at) => tuple[at]);
    return rowKey(this.schema, this.table, values);
  }

  #sentOf(wanted: readonly string[] | undefined): readonly number[] | undefined {
    if (wanted !== this.#wanted) {
      this.#wanted = wanted;
      const { schema, table } = this;
      const key = this.#keyAt.map((at) => this.#columns[at] ?? '');
      this.#sent = wantedColumns(wanted, { schema, table, columns: this.#columns, key });
    }
    return this.#sent;
  }
}

/** The row after the change, or before its deletion; where all of the row before is known, unchanged long values are its. */
function whole({ before, isBeforeWhole, after }: RowChange): Tuple | undefined {
  if (after === undefined) return before;
  if (before === undefined || !isBeforeWhole || !after.includes(undefined)) return after;
  return after.map((text, at) => (text === undefined ? before[at] : text));
}
