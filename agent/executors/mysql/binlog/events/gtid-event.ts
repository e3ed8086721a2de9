import { BinlogError } from '../binlog-error.ts';
import { ByteCursor } from './byte-cursor.ts';
import { EventType } from './event-type.ts';
import type { LogEvent } from './log-event.ts';

/** What begins a transaction, or a statement that commits by itself. */
export interface GroupStart {
  /** `uuid:number`, `uuid:tag:number` or MariaDB's `domain-server-number`; undefined with gtid_mode=OFF. */
  readonly gtid: string | undefined;
  /** Of MariaDB only, since 11.5: elsewhere it stands in the BEGIN that follows. */
  readonly threadId: number | undefined;
  /** Of MariaDB: one statement follows, and nothing says where it ends. MySQL does not say. */
  readonly standalone: boolean;
  /** Of MariaDB: there is no BEGIN. */
  readonly begun: boolean;
}

const ANONYMOUS: GroupStart = { gtid: undefined, threadId: undefined, standalone: false, begun: false };
/** MariaDB's Gtid_log_event: flags, and more flags behind what the first ones announce. */
const STANDALONE = 0x01;
const GROUP_COMMIT_ID = 0x02;
const PREPARED_XA = 0x40;
const COMPLETED_XA = 0x80;
const MULTI_ENGINE = 0x01;
const COMMIT_ALTER = 0x04;
const ROLLBACK_ALTER = 0x08;
const THREAD_ID = 0x10;
const GROUP_COMMIT_BYTES = 8;
const ALTER_BYTES = 8;
/** Fields of a tagged GTID: flags, source, number, tag. */
const Field = { Flags: 0n, Source: 1n, Number: 2n, Tag: 3n } as const;
const UUID_BYTES = 16;

/** Reads an event that begins a group; undefined for any other. Throws `Malformed`. */
export function parseGroupStart(event: LogEvent): GroupStart | undefined {
  const cursor = new ByteCursor(event.body);
  switch (event.type) {
    case EventType.AnonymousGtid:
      return ANONYMOUS;
    case EventType.Gtid: {
      cursor.uint8();
      const source = showUuid(cursor.bytes(UUID_BYTES));
      return { ...ANONYMOUS, gtid: `${source}:${cursor.uint64()}` };
    }
    case EventType.TaggedGtid:
      return { ...ANONYMOUS, gtid: taggedGtid(cursor) };
    case EventType.MariadbGtid:
      return mariadbStart(cursor, event.serverId);
    default:
      return undefined;
  }
}

function mariadbStart(cursor: ByteCursor, serverId: number): GroupStart {
  const number = cursor.uint64();
  const gtid = `${cursor.uint(4)}-${serverId}-${number}`;
  const flags = cursor.uint8();
  const standalone = (flags & STANDALONE) !== 0;
  const head = { gtid, standalone, begun: !standalone };
  if ((flags & GROUP_COMMIT_ID) !== 0) cursor.bytes(GROUP_COMMIT_BYTES);
  if ((flags & (PREPARED_XA | COMPLETED_XA)) !== 0) {
    cursor.uint(4);
    const global = cursor.uint8();
    cursor.bytes(cursor.uint8() + global);
  }
  const extra = cursor.left > 0 ? cursor.uint8() : 0;
  if ((extra & MULTI_ENGINE) !== 0) cursor.uint8();
  if ((extra & (COMMIT_ALTER | ROLLBACK_ALTER)) !== 0) cursor.bytes(ALTER_BYTES);
  return { ...head, threadId: (extra & THREAD_ID) === 0 ? undefined : cursor.uint(4) };
}

/** A message of MySQL's own serialization: version, size, last field that must be known, then fields by number. */
function taggedGtid(cursor: ByteCursor): string {
  const version = varint(cursor);
  if (version !== 1n) throw new BinlogError('Malformed', `a GTID has the form ${version}, which is not known`);
  varint(cursor);
  varint(cursor);
  let field = varint(cursor);
  if (field === Field.Flags) {
    varint(cursor);
    field = varint(cursor);
  }
  if (field !== Field.Source) throw new BinlogError('Malformed', 'a GTID has no source');
  const source = showUuid(Buffer.from(Array.from({ length: UUID_BYTES }, () => Number(varint(cursor) & 0xffn))));
  if (varint(cursor) !== Field.Number) throw new BinlogError('Malformed', 'a GTID has no number');
  const zigzag = varint(cursor);
  const number = zigzag >> 1n;
  if (cursor.left === 0 || varint(cursor) !== Field.Tag) return `${source}:${number}`;
  const tag = cursor.text(Number(varint(cursor)));
  return tag === '' ? `${source}:${number}` : `${source}:${tag}:${number}`;
}

/** The ones at the first byte's low end count the bytes that follow. */
function varint(cursor: ByteCursor): bigint {
  const first = cursor.uint8();
  let more = 0;
  while (more < 8 && ((first >> more) & 1) === 1) more += 1;
  const rest = more === 0 ? 0n : BigInt(`0x${Buffer.from(cursor.bytes(more)).reverse().toString('hex')}`);
  return more === 8 ? rest : (BigInt(first) >> BigInt(more + 1)) | (rest << BigInt(7 - more));
}

function showUuid(bytes: Buffer): string {
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}
