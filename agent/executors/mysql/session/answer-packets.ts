import type { Field } from './column-types.ts';
import { PacketReader } from './packet-reader.ts';
import type { Packet } from './packet-reader.ts';
import { ServerError } from './server-error.ts';

/** The flags of the server's status that matter here (MySQL's source, `SERVER_STATUS_…`). */
export const STATUS = {
  inTransaction: 0x0001,
  autocommit: 0x0002,
  moreResults: 0x0008,
  noBackslashEscapes: 0x0200,
  stateChanged: 0x4000,
} as const;

/** What ends a result: an OK packet after what has no rows, an EOF packet after rows. */
export interface ResultEnd {
  readonly affectedRows: number;
  readonly info: string;
  readonly warnings: number;
  readonly status: number;
  readonly gtids: string | undefined;
  /** Variables that the server tells of when they change. */
  readonly variables: readonly (readonly [name: string, value: string])[];
  readonly schema: string | undefined;
}

/** `session_state_type` in MySQL's documentation, "OK_Packet". */
const [VARIABLE, SCHEMA, GTIDS] = [0, 1, 3];

export const isError = ({ buffer, offset }: Packet): boolean => buffer[offset] === 0xff;
/** A row may begin with the same byte, but is then longer. */
export const isEof = ({ buffer, offset, end }: Packet): boolean => buffer[offset] === 0xfe && end - offset < 9;

export function readError(packet: Packet): ServerError {
  const reader = new PacketReader(packet);
  reader.skip(1);
  const errno = reader.uint(2);
  let state = 'HY000';
  if (reader.peek() === 35) {
    const part = reader.part(6);
    part.skip(1);
    state = part.rest();
  }
  return new ServerError(errno, state, reader.rest());
}

export function readEof(packet: Packet): ResultEnd {
  const reader = new PacketReader(packet);
  reader.skip(1);
  const warnings = reader.uint(2);
  const status = reader.uint(2);
  return { affectedRows: 0, info: '', warnings, status, gtids: undefined, variables: [], schema: undefined };
}

/** `tracksSession`: both sides agreed on CLIENT_SESSION_TRACK. */
export function readOk(packet: Packet, tracksSession: boolean): ResultEnd {
  const reader = new PacketReader(packet);
  reader.skip(1);
  const affectedRows = reader.length();
  // The last insert id.
  reader.length();
  const status = reader.uint(2);
  const warnings = reader.uint(2);
  const end = { affectedRows, warnings, status };
  if (!tracksSession) return { ...end, info: reader.rest(), ...NO_CHANGES };
  const info = reader.atEnd ? '' : reader.string();
  if ((status & STATUS.stateChanged) === 0 || reader.atEnd) return { ...end, info, ...NO_CHANGES };
  return { ...end, info, ...readChanges(reader.part(reader.length())) };
}

type Changes = Pick<ResultEnd, 'gtids' | 'variables' | 'schema'>;

const NO_CHANGES: Changes = { gtids: undefined, variables: [], schema: undefined };

function readChanges(reader: PacketReader): Changes {
  const variables: (readonly [string, string])[] = [];
  let schema: string | undefined;
  let gtids: string | undefined;
  while (!reader.atEnd) {
    const type = reader.uint(1);
    const data = reader.part(reader.length());
    if (type === VARIABLE) while (!data.atEnd) variables.push([data.string(), data.string()]);
    else if (type === SCHEMA) schema = data.string();
    else if (type === GTIDS) {
      // How they are written: there is one way only.
      data.skip(1);
      gtids = data.string();
    }
  }
  return { variables, schema, gtids };
}

/** `extended`: MariaDB tells more of types (MARIADB_CLIENT_EXTENDED_METADATA). */
export function readColumn(packet: Packet, extended: boolean): Field {
  const reader = new PacketReader(packet);
  // Catalog, schema, table, the table's own name.
  for (let skipped = 0; skipped < 4; skipped += 1) reader.string();
  const name = reader.string();
  reader.string();
  const format = extended ? readFormat(reader.part(reader.length())) : undefined;
  reader.skip(1);
  const charset = reader.uint(2);
  const length = reader.uint(4);
  return { name, charset, length, type: reader.uint(1), flags: reader.uint(2), format };
}

/** `json`, `uuid`, `inet6`, … */
function readFormat(reader: PacketReader): string | undefined {
  let format: string | undefined;
  while (!reader.atEnd) {
    reader.skip(1);
    format = reader.string();
  }
  return format;
}
