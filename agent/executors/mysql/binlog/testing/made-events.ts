import { crc32 } from 'node:zlib';

/** The bytes of an event with this body. */
export function madeEvent(type: number, body: Buffer, options: { checksum?: boolean; next?: number } = {}): Buffer {
  const { checksum = false, next = 0 } = options;
  const header = Buffer.alloc(19);
  header[4] = type;
  header.writeUInt32LE(1, 5);
  header.writeUInt32LE(19 + body.length + (checksum ? 4 : 0), 9);
  header.writeUInt32LE(next, 13);
  const bytes = Buffer.concat([header, body]);
  if (!checksum) return bytes;
  const sum = Buffer.alloc(4);
  sum.writeUInt32LE(crc32(bytes));
  return Buffer.concat([bytes, sum]);
}

/** The body of an event of a statement. */
export function queryBody(threadId: number, text: string): Buffer {
  const head = Buffer.alloc(13);
  head.writeUInt32LE(threadId);
  return Buffer.concat([head, Buffer.from([0]), Buffer.from(text)]);
}

/** A number in the protocol's form of one to nine bytes. */
export function lengthBytes(value: number): Buffer {
  const bytes = Buffer.alloc(9);
  bytes[0] = 0xfe;
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return value < 0xfb ? Buffer.from([value]) : bytes;
}
