import { crc32 } from 'node:zlib';
import { BinlogError } from '../binlog-error.ts';
import { CHECKSUM_BYTES } from './log-event.ts';

const CRC32 = 1;

/** Whether the file's events have checksums; the event itself has room for one in any case. Throws `Malformed`. */
export function hasChecksums(bytes: Buffer): boolean {
  const end = bytes.length - CHECKSUM_BYTES;
  if (end < 1) throw new BinlogError('Malformed', 'the description of the log is too short');
  if (bytes[end - 1] !== CRC32) return false;
  if (crc32(bytes.subarray(0, end)) !== bytes.readUInt32LE(end))
    throw new BinlogError('Malformed', 'the description of the log does not have the checksum that it names');
  return true;
}

/** Whether the last bytes are the checksum of those before: events that were made for the stream do not tell. */
export function looksChecksummed(bytes: Buffer): boolean {
  const end = bytes.length - CHECKSUM_BYTES;
  return end > 0 && crc32(bytes.subarray(0, end)) === bytes.readUInt32LE(end);
}
