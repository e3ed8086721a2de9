import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isEof, readColumn, readError, readOk } from './answer-packets.ts';
import { MalformedPacket, PacketReader } from './packet-reader.ts';

const wrap = (payload: Buffer): { buffer: Buffer; offset: number; end: number } => {
  // A packet stands among others.
  const buffer = Buffer.concat([Buffer.from([1, 2, 3, 4]), payload, Buffer.from([9, 9])]);
  return { buffer, offset: 4, end: 4 + payload.length };
};

function lengthBytes(value: number): Buffer {
  if (value < 0xfb) return Buffer.from([value]);
  if (value <= 0xffff) return Buffer.from([0xfc, value & 0xff, value >> 8]);
  if (value <= 0xffffff) return Buffer.from([0xfd, value & 0xff, (value >> 8) & 0xff, value >> 16]);
  const bytes = Buffer.alloc(9, 0xfe);
  bytes.writeBigUInt64LE(BigInt(value), 1);
  return bytes;
}

const text = (value: string): Buffer => {
  const bytes = Buffer.from(value);
  return Buffer.concat([lengthBytes(bytes.length), bytes]);
};
const utf8 = (buffer: Buffer, from: number, to: number): string => buffer.toString('utf8', from, to);

describe('PacketReader', () => {
  it('reads back whatever row was written', () => {
    const cell = fc.option(fc.oneof(fc.string({ unit: 'grapheme' }), fc.constant('x'.repeat(70_000))), { nil: null });
    fc.assert(
      fc.property(fc.array(cell), (row) => {
        const payload = Buffer.concat(row.map((value) => (value === null ? Buffer.from([0xfb]) : text(value))));
        const reader = new PacketReader(wrap(payload));
        expect(row.map(() => reader.text(utf8))).toEqual(row);
        expect(reader.atEnd).toBe(true);
      }),
    );
  });

  it('reads every length', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), (value) => {
        expect(new PacketReader(wrap(lengthBytes(value))).length()).toBe(value);
      }),
    );
  });

  it('reads nothing beyond the end of any bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), fc.boolean(), (bytes, tracks) => {
        const packet = wrap(Buffer.from(bytes));
        for (const read of [
          () => readOk(packet, tracks),
          () => readColumn(packet, tracks),
          () => readError(packet),
          () => new PacketReader(packet).text(utf8),
        ])
          try {
            read();
          } catch (err) {
            expect(err).toBeInstanceOf(MalformedPacket);
          }
      }),
      { numRuns: 2000 },
    );
  });
});

describe('the packets of an answer', () => {
  it('tell GTIDs, variables and the current database', () => {
    const changes = Buffer.concat([
      Buffer.from([0, 24]),
      Buffer.concat([text('character_set_client'), text('gb')]),
      Buffer.from([1, 3]),
      text('db'),
      Buffer.from([3, 5, 0]),
      text('a:1'),
    ]);
    const head = Buffer.from([0, 5, 0, 0x03, 0x40, 1, 0]);
    const ok = readOk(wrap(Buffer.concat([head, text('Rows matched: 5'), lengthBytes(changes.length), changes])), true);
    expect(ok).toEqual({
      ...{ affectedRows: 5, status: 0x4003, warnings: 1, info: 'Rows matched: 5', gtids: 'a:1', schema: 'db' },
      variables: [['character_set_client', 'gb']],
    });
  });

  it('tell the number, state and words of an error, with or without a state', () => {
    const withState = readError(wrap(Buffer.from('\xff\x26\x04#23000Duplicate entry', 'latin1')));
    expect([withState.errno, withState.sqlState, withState.message]).toEqual([1062, '23000', 'Duplicate entry']);
    const without = readError(wrap(Buffer.from('\xff\x10\x04Too many connections', 'latin1')));
    expect([without.errno, without.sqlState, without.message]).toEqual([1040, 'HY000', 'Too many connections']);
  });

  it('take a long row that begins like an end for a row', () => {
    expect(isEof(wrap(Buffer.from([0xfe, 0, 0, 2, 0])))).toBe(true);
    expect(isEof(wrap(lengthBytes(2 ** 32)))).toBe(false);
  });
});
