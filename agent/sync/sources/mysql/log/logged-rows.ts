import { ByteCursor } from '../../../../executors/mysql/binlog/events/byte-cursor.ts';
import { isSet } from '../../../../executors/mysql/binlog/events/rows-event.ts';
import type { RowsEvent } from '../../../../executors/mysql/binlog/events/rows-event.ts';
import type { EventType, Row } from '../../../sync-event.ts';
import { invalid } from '../failure.ts';
import { rowKey } from '../row-key.ts';
import { mismatch } from './table-plans.ts';
import type { TablePlan } from './table-plans.ts';

/** Rows of one kind that follow each other. */
export interface RowGroup {
  readonly type: EventType;
  readonly rows: Row[];
}

/**
 * The rows of an event, in groups to be applied in their order. An update that changes a row's key is a deletion and an
 * insertion: consumers know rows by their keys. Throws a `SourceError` for what cannot be told, `Malformed` for no rows.
 */
export function rowGroups(event: RowsEvent, plan: TablePlan): RowGroup[] {
  if (event.columnCount !== plan.columns.length)
    throw mismatch(plan, 'its rows have another number of columns than the log says of it');
  if (!event.complete)
    throw invalid(
      `rows of ${plan.schema}.${plan.table} are logged without all of their columns: binlog_row_image must be FULL, also in sessions`,
    );
  const cursor = new ByteCursor(event.images);
  if (event.kind !== 'update') {
    const rows: Row[] = [];
    while (cursor.left > 0) rows.push(readRow(cursor, plan, false));
    return rows.length === 0 ? [] : [{ type: event.kind, rows }];
  }
  return updateGroups(cursor, plan);
}

function updateGroups(cursor: ByteCursor, plan: TablePlan): RowGroup[] {
  const keyOf = rowKey(plan.schema, plan.table, plan.key);
  const groups: RowGroup[] = [];
  let part = new UpdatePart();
  while (cursor.left > 0) {
    const before = readRow(cursor, plan, keyOf !== undefined);
    const after = readRow(cursor, plan, false);
    const from = keyOf?.(before);
    const to = keyOf?.(after);
    if (from === to) {
      part.stay(after, to);
      continue;
    }
    // A row that was written here before is to be deleted behind that.
    if (from !== undefined && part.wrote(from)) {
      groups.push(...part.groups());
      part = new UpdatePart();
    }
    part.move(before, after, to);
  }
  groups.push(...part.groups());
  return groups;
}

/** Updates of which all deletions may come first. */
class UpdatePart {
  readonly #deleted: Row[] = [];
  readonly #inserted: Row[] = [];
  readonly #updated: Row[] = [];
  readonly #written = new Set<string>();

  stay(row: Row, key: string | undefined): void {
    this.#updated.push(row);
    if (key !== undefined) this.#written.add(key);
  }

  move(before: Row, after: Row, key: string | undefined): void {
    this.#deleted.push(before);
    this.#inserted.push(after);
    if (key !== undefined) this.#written.add(key);
  }

  wrote(key: string): boolean {
    return this.#written.has(key);
  }

  groups(): RowGroup[] {
    const all: RowGroup[] = [
      { type: 'delete', rows: this.#deleted },
      { type: 'insert', rows: this.#inserted },
      { type: 'update', rows: this.#updated },
    ];
    return all.filter(({ rows }) => rows.length > 0);
  }
}

/** `keyOnly`: of the image before an update the key is enough. */
function readRow(cursor: ByteCursor, plan: TablePlan, keyOnly: boolean): Row {
  const { columns } = plan;
  const nulls = cursor.bytes(Math.ceil(columns.length / 8));
  const row: Record<string, unknown> = {};
  let index = 0;
  for (const { name, codec, toJson, inKey } of columns) {
    const cell = isSet(nulls, index) ? null : codec(cursor);
    index += 1;
    if (toJson === undefined || (keyOnly && !inKey)) continue;
    if (cell === null) row[name] = null;
    else
      try {
        row[name] = toJson(cell);
      } catch (err) {
        throw mismatch(plan, (err as Error).message);
      }
  }
  return row;
}
