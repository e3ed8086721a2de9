import { isUtf8 } from 'node:buffer';
import { headWithin } from '../output/utf8.ts';
import { FileUnavailable } from './file-unavailable.ts';

const BOM = Buffer.from([0xef, 0xbb, 0xbf]);

/**
 * Decodes UTF-8 as it comes; a byte order mark at the beginning is dropped. Throws `FileUnavailable` at the first byte
 * that is no UTF-8: put into a database as U+FFFD it would change what is stored, and nobody would see it.
 */
export async function* utf8Pieces(chunks: AsyncIterable<Buffer>, name: string): AsyncGenerator<string> {
  let rest: Buffer = Buffer.alloc(0);
  let offset = 0;
  let begun = false;
  for await (const chunk of chunks) {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    if (!begun) {
      if (bytes.length < BOM.length) {
        rest = bytes;
        continue;
      }
      begun = true;
      if (bytes.subarray(0, BOM.length).equals(BOM)) {
        bytes = bytes.subarray(BOM.length);
        offset = BOM.length;
      }
    }
    const whole = withoutBrokenEnd(bytes);
    if (!isUtf8(whole)) throw notUtf8(name, offset, whole);
    rest = bytes.subarray(whole.length);
    offset += whole.length;
    if (whole.length > 0) yield whole.toString('utf8');
  }
  if (!isUtf8(rest)) throw notUtf8(name, offset, rest);
  if (rest.length > 0) yield rest.toString('utf8');
}

/** The bytes but for those of a character that the end cuts through. */
function withoutBrokenEnd(bytes: Buffer): Buffer {
  for (let start = bytes.length - 1; start >= Math.max(0, bytes.length - 3); start -= 1) {
    const byte = bytes[start] ?? 0;
    if ((byte & 0xc0) === 0x80) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return start + length > bytes.length ? bytes.subarray(0, start) : bytes;
  }
  return bytes;
}

function notUtf8(name: string, offset: number, bytes: Buffer): FileUnavailable {
  let good = 0;
  for (let bad = bytes.length; bad - good > 1;) {
    const middle = (good + bad) >>> 1;
    if (isUtf8(headWithin(bytes, middle))) good = middle;
    else bad = middle;
  }
  return new FileUnavailable('FileInvalid', `${name} is not UTF-8 text (byte ${offset + good}); convert it first`);
}
