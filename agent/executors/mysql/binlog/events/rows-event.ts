import { ByteCursor } from './byte-cursor.ts';
import { EventType } from './event-type.ts';
import type { LogEvent } from './log-event.ts';
import { uncompressedBody } from '../rows/values/compressed-value.ts';

/** A WRITE_ROWS, UPDATE_ROWS or DELETE_ROWS event, its rows not looked into. */
export interface RowsEvent {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly tableId: number;
  readonly statementEnd: boolean;
  readonly columnCount: number;
  /** Whether every image has every column (binlog_row_image=FULL). */
  readonly complete: boolean;
  /** Row images, one behind another. */
  readonly images: Buffer;
}

type Kind = RowsEvent['kind'];

const STATEMENT_END = 1;
const VERSION_1: ReadonlySet<number> = new Set([
  EventType.WriteRowsV1,
  EventType.UpdateRowsV1,
  EventType.DeleteRowsV1,
  EventType.CompressedWriteRowsV1,
  EventType.CompressedUpdateRowsV1,
  EventType.CompressedDeleteRowsV1,
]);
const KINDS: Readonly<Record<number, Kind>> = {
  [EventType.WriteRowsV1]: 'insert',
  [EventType.WriteRows]: 'insert',
  [EventType.CompressedWriteRowsV1]: 'insert',
  [EventType.CompressedWriteRows]: 'insert',
  [EventType.UpdateRowsV1]: 'update',
  [EventType.UpdateRows]: 'update',
  [EventType.CompressedUpdateRowsV1]: 'update',
  [EventType.CompressedUpdateRows]: 'update',
  [EventType.DeleteRowsV1]: 'delete',
  [EventType.DeleteRows]: 'delete',
  [EventType.CompressedDeleteRowsV1]: 'delete',
  [EventType.CompressedDeleteRows]: 'delete',
};

export const isRowsEvent = (event: LogEvent): boolean => event.type in KINDS;

/** Reads an event of rows. Throws `Malformed`. */
export function parseRowsEvent(event: LogEvent): RowsEvent {
  const kind = KINDS[event.type] ?? 'insert';
  const cursor = new ByteCursor(event.body);
  const tableId = cursor.uint(6);
  const flags = cursor.uint(2);
  // Its own two bytes count.
  if (!VERSION_1.has(event.type)) cursor.bytes(Math.max(0, cursor.uint(2) - 2));
  const columnCount = cursor.length();
  const present = cursor.bytes(Math.ceil(columnCount / 8));
  const presentAfter = kind === 'update' ? cursor.bytes(present.length) : present;
  const rest = cursor.rest();
  return {
    kind,
    tableId,
    statementEnd: (flags & STATEMENT_END) !== 0,
    columnCount,
    complete: hasAll(present, columnCount) && hasAll(presentAfter, columnCount),
    images: event.type >= EventType.CompressedWriteRowsV1 && rest.length > 0 ? uncompressedBody(rest) : rest,
  };
}

function hasAll(bitmap: Buffer, count: number): boolean {
  for (let index = 0; index < count; index += 1) if (!isSet(bitmap, index)) return false;
  return true;
}

export const isSet = (bitmap: Buffer, index: number): boolean => ((bitmap[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
