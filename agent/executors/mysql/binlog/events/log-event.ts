import { crc32 } from 'node:zlib';
import { BinlogError } from '../binlog-error.ts';

/** One event of the log, its body not looked into. */
export interface LogEvent {
  /** A number of `EventType`, or of a newer server. */
  readonly type: number;
  /** Seconds since 1970. */
  readonly timestamp: number;
  readonly serverId: number;
  /** Where the next event begins, modulo 2³²; 0 in events that stand in no file, and within MariaDB's transactions. */
  readonly nextPosition: number;
  readonly flags: number;
  /** Without header and checksum; a part of the packet. */
  readonly body: Buffer;
}

/** Who does not know such an event may pass over it. */
const IGNORABLE = 0x80;
/** The server made it up for the stream: it stands in no file. */
const ARTIFICIAL = 0x20;
const HEADER_BYTES = 19;
const SIZE_AT = 9;
export const CHECKSUM_BYTES = 4;

export const isIgnorable = (event: LogEvent): boolean => (event.flags & IGNORABLE) !== 0;
export const isArtificial = (event: LogEvent): boolean => (event.flags & ARTIFICIAL) !== 0;

/** Reads an event of which these are all bytes, and checks its CRC32 when it has one. Throws `Malformed`. */
export function parseEvent(bytes: Buffer, checksum: boolean): LogEvent {
  const end = bytes.length - (checksum ? CHECKSUM_BYTES : 0);
  if (end < HEADER_BYTES || bytes.readUInt32LE(SIZE_AT) !== bytes.length)
    throw new BinlogError('Malformed', `an event of ${bytes.length} bytes has a header of another size`);
  if (checksum && crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end))
    throw new BinlogError('Malformed', `an event of type ${bytes[4]} does not have the checksum that it names`);
  return {
    timestamp: bytes.readUInt32LE(0),
    type: bytes.readUInt8(4),
    serverId: bytes.readUInt32LE(5),
    nextPosition: bytes.readUInt32LE(13),
    flags: bytes.readUInt16LE(17),
    body: bytes.subarray(HEADER_BYTES, end),
  };
}

/** How many bytes the event that starts here has; undefined while its header is not whole. */
export function eventSize(bytes: Buffer): number | undefined {
  return bytes.length < HEADER_BYTES ? undefined : bytes.readUInt32LE(SIZE_AT);
}
