import { comparePositions } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { BinlogPosition } from '../../../../executors/mysql/binlog/binlog-position.ts';
import type { SourcePosition } from '../../../stream-entry.ts';

/** `SourcePosition` of MySQL: all before it was brought. */
export interface MysqlPosition {
  /** The transactions that were brought, where the server has GTIDs. */
  readonly gtid?: string;
  /** Where in the server's own log; undefined until the log has told. */
  readonly file?: string;
  readonly pos?: number;
  /** Whose log `file` and `pos` are of. */
  readonly server: string;
  /** What is added to the index of a place, so that indexes grow from one log to the next. */
  readonly shift?: number;
  /** Without GTIDs: where to read from, when what XA has prepared there has not been committed yet. */
  readonly from?: { readonly file: string; readonly pos: number };
}

/** Which transaction an entry belongs to, for `SnapshotChunk.sees`. */
export interface MysqlTransaction {
  readonly gtid: string | undefined;
  /** Where it begins in the log of this server. */
  readonly begin: BinlogPosition;
  readonly server: string;
}

/** Undefined: it is no position of ours. */
export function readPosition(position: SourcePosition): MysqlPosition | undefined {
  const { gtid, file, pos, server, shift } = position;
  if (typeof server !== 'string') return undefined;
  const place = typeof file === 'string' && Number.isSafeInteger(pos) ? { file, pos: pos as number } : {};
  const added = Number.isSafeInteger(shift) && (shift as number) > 0 ? { shift: shift as number } : {};
  return { ...(typeof gtid === 'string' && { gtid }), ...place, server, ...added };
}

/** Where a stream must read from to go on behind the position. */
export function readFrom({ from }: SourcePosition): BinlogPosition | undefined {
  const { file, pos } = (from ?? {}) as { file?: unknown; pos?: unknown };
  return typeof file === 'string' && Number.isSafeInteger(pos) ? { file, position: pos as number } : undefined;
}

/** Undefined where the log has not told it yet. */
export function placeOf({ file, pos }: MysqlPosition): BinlogPosition | undefined {
  return file === undefined || pos === undefined ? undefined : { file, position: pos };
}

export const isBehind = (place: BinlogPosition, other: BinlogPosition): boolean => comparePositions(place, other) >= 0;

const SPAN = 2 ** 32;
const FILE_NUMBER = /\.(\d+)$/;

/** The number that a place in the log stands for: growing within a log; 0 where it would be no safe integer. */
export function indexOf({ file, position }: BinlogPosition): number {
  // By multiplication: `<<` has 32 bits only.
  const index = Number(FILE_NUMBER.exec(file)?.[1] ?? 0) * SPAN + position;
  return Number.isSafeInteger(index) ? index : 0;
}
