import { MessageCursor } from './message-cursor.ts';

/** A column's text as the server writes it; null; undefined: a long value that the change left as it was. */
export type Tuple = readonly (string | null | undefined)[];

export interface RelationColumn {
  readonly name: string;
  readonly type: number;
  /** Whether it is one of those that tell rows apart (REPLICA IDENTITY). */
  readonly isKey: boolean;
}

/** A table as the changes that follow are written. */
export interface Relation {
  readonly oid: number;
  readonly schema: string;
  readonly table: string;
  /** `d`: the primary key, `i`: an index, `f`: the whole row. */
  readonly identity: string;
  readonly columns: readonly RelationColumn[];
}

export interface RowChange {
  readonly kind: 'insert' | 'update' | 'delete';
  readonly relation: number;
  /** Of an update only when it changed the key, or when the whole row is the key. */
  readonly before: Tuple | undefined;
  /** Whether all of the row before is there; else only the columns of its key count. */
  readonly isBeforeWhole: boolean;
  readonly after: Tuple | undefined;
}

/** What the plugin `pgoutput` writes in version 1 of its protocol: whole transactions, in the order of their commits. */
export type LogMessage =
  | { readonly kind: 'begin'; readonly commitLsn: number; readonly committedMs: number; readonly xid: number }
  | { readonly kind: 'commit'; readonly endLsn: number }
  | { readonly kind: 'relation'; readonly relation: Relation }
  | RowChange
  | { readonly kind: 'truncate'; readonly relations: readonly number[] }
  /** Types of a database's own, the origin of a transaction: nothing that rows need. */
  | { readonly kind: 'other' };

/** Microseconds and milliseconds from PostgreSQL's beginning of time, 2000-01-01, to that of Unix. */
const EPOCH_MS = Date.UTC(2000, 0, 1);
const OTHER = { kind: 'other' } as const;

/** PostgreSQL's documentation, "Logical Replication Message Formats". Throws for what is not written like that. */
export function readLogMessage(bytes: Buffer): LogMessage {
  const cursor = new MessageCursor(bytes);
  const code = cursor.letter();
  switch (code) {
    case 'B':
      return { kind: 'begin', commitLsn: cursor.lsn(), committedMs: readTime(cursor), xid: cursor.uint32() };
    case 'C':
      cursor.uint8();
      cursor.lsn();
      return { kind: 'commit', endLsn: cursor.lsn() };
    case 'R':
      return { kind: 'relation', relation: readRelation(cursor) };
    case 'I':
    case 'U':
    case 'D':
      return readChange(code, cursor);
    case 'T': {
      const count = cursor.uint32();
      cursor.uint8();
      return { kind: 'truncate', relations: Array.from({ length: count }, () => cursor.uint32()) };
    }
    case 'Y':
    case 'O':
    case 'M':
      return OTHER;
    default:
      throw new Error(`the log has a message '${code}', which this agent does not know`);
  }
}

const readTime = (cursor: MessageCursor): number => Math.floor(cursor.int64() / 1000) + EPOCH_MS;

function readRelation(cursor: MessageCursor): Relation {
  const oid = cursor.uint32();
  // An empty name stands for the catalog's schema.
  const schema = cursor.text() || 'pg_catalog';
  const table = cursor.text();
  const identity = cursor.letter();
  const columns = Array.from({ length: cursor.uint16() }, () => {
    const isKey = cursor.uint8() === 1;
    const column = { name: cursor.text(), type: cursor.uint32(), isKey };
    cursor.uint32();
    return column;
  });
  return { oid, schema, table, identity, columns };
}

const KINDS = { I: 'insert', U: 'update', D: 'delete' } as const;

function readChange(code: 'I' | 'U' | 'D', cursor: MessageCursor): RowChange {
  const relation = cursor.uint32();
  let before: Tuple | undefined;
  let isBeforeWhole = false;
  let after: Tuple | undefined;
  while (!cursor.atEnd) {
    // K: the key before, O: the whole row before, N: the row after.
    const part = cursor.letter();
    if (part === 'N') after = readTuple(cursor);
    else before = readTuple(cursor);
    isBeforeWhole ||= part === 'O';
  }
  if ((code === 'D' ? before : after) === undefined) throw new RangeError('a change has no row');
  return { kind: KINDS[code], relation, before, isBeforeWhole, after };
}

function readTuple(cursor: MessageCursor): Tuple {
  const length = cursor.uint16();
  const tuple: (string | null | undefined)[] = [];
  for (let at = 0; at < length; at += 1) {
    const kind = cursor.letter();
    if (kind === 't') tuple.push(cursor.sized());
    else if (kind === 'n') tuple.push(null);
    else if (kind === 'u') tuple.push(undefined);
    else throw new Error(`the log has a value of kind '${kind}', which this agent does not know`);
  }
  return tuple;
}
