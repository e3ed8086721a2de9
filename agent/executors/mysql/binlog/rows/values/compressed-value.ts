import { inflateRawSync, inflateSync } from 'node:zlib';
import { BinlogError } from '../../binlog-error.ts';

const ZLIB = 8;
/** As for a packet: what is longer is not taken into memory. */
const MAX_BYTES = 64 * 1024 * 1024;

/**
 * A value of MariaDB's COMPRESSED columns (its field_comp.cc): a byte of method (four bits), whether zlib's own header is
 * missing (one) and the size of the length that follows (three); then the length, then the deflated bytes.
 */
export function uncompressedValue(raw: Buffer): Buffer {
  const [head = 0] = raw;
  const method = head >> 4;
  if (raw.length === 0 || method === 0) return raw.subarray(1);
  const size = head & 0x7;
  if (method !== ZLIB || size === 0 || size > 6 || raw.length < 1 + size)
    throw new BinlogError('Malformed', `a compressed value starts with the byte ${head}`);
  return inflated(raw.subarray(1 + size), raw.readUIntBE(1, size), (head & 0x8) !== 0);
}

/** MariaDB's compressed events (its log_event.cc): 0x80, the size of the length, then as above with zlib's header. */
export function uncompressedBody(bytes: Buffer): Buffer {
  const [head = 0] = bytes;
  const size = head & 0x7;
  if ((head & 0xf8) !== 0x80 || size === 0 || size > 4 || bytes.length < 1 + size)
    throw new BinlogError('Malformed', `a compressed event starts with the byte ${head}`);
  return inflated(bytes.subarray(1 + size), bytes.readUIntBE(1, size), false);
}

function inflated(deflated: Buffer, length: number, isRaw: boolean): Buffer {
  if (length > MAX_BYTES) throw new BinlogError('Malformed', `a compressed value of ${length} bytes is too long`);
  try {
    const bytes = (isRaw ? inflateRawSync : inflateSync)(deflated, { maxOutputLength: Math.max(length, 1) });
    if (bytes.length === length) return bytes;
  } catch (err) {
    throw new BinlogError('Malformed', 'a compressed value cannot be read', { cause: err });
  }
  throw new BinlogError('Malformed', `a compressed value has not the ${length} bytes that it announces`);
}
