import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readLogMessage } from './pgoutput.ts';

const text = (value: string): Buffer => Buffer.concat([Buffer.from(value), Buffer.from([0])]);
const uint32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const sized = (value: string): Buffer =>
  Buffer.concat([Buffer.from('t'), uint32(Buffer.byteLength(value)), Buffer.from(value)]);
const insert = Buffer.concat([
  Buffer.from('I'),
  uint32(16_384),
  Buffer.from('N'),
  Buffer.from([0, 3]),
  sized('größe'),
  Buffer.from('n'),
  Buffer.from('u'),
]);
const relation = Buffer.concat([
  ...[Buffer.from('R'), uint32(16_384), text('public'), text('items'), Buffer.from('d'), Buffer.from([0, 1])],
  ...[Buffer.from([1]), text('id'), uint32(23), uint32(0xffff_ffff)],
]);

describe('readLogMessage', () => {
  it('reads rows: text, null, and what was not changed', () => {
    expect(readLogMessage(insert)).toEqual({
      ...{ kind: 'insert', relation: 16_384, before: undefined, isBeforeWhole: false },
      after: ['größe', null, undefined],
    });
  });

  it('reads what a table is like', () => {
    expect(readLogMessage(relation)).toEqual({
      kind: 'relation',
      relation: {
        ...{ oid: 16_384, schema: 'public', table: 'items', identity: 'd' },
        columns: [{ name: 'id', type: 23, isKey: true }],
      },
    });
  });

  it('reads when a transaction was committed, in milliseconds of Unix', () => {
    const begin = Buffer.from('42000000000000a0b00002f0e5a0b1c000000002d4', 'hex');
    expect(readLogMessage(begin)).toMatchObject({ kind: 'begin', commitLsn: 0xa0b0, xid: 0x2d4 });
    expect(readLogMessage(Buffer.concat([begin.subarray(0, 9), Buffer.alloc(12)]))).toMatchObject({
      committedMs: Date.UTC(2000, 0, 1),
    });
  });

  it('refuses a message that is cut off, of a kind that it does not know, or with a value of such a kind', () => {
    for (const message of [insert, relation])
      for (let length = 0; length < message.length; length += 1)
        expect(() => readLogMessage(message.subarray(0, length))).toThrow();
    expect(() => readLogMessage(Buffer.from('?'))).toThrow("a message '?'");
    expect(() => readLogMessage(Buffer.concat([insert.subarray(0, 8), Buffer.from('b')]))).toThrow("of kind 'b'");
  });

  it('ends whatever it is given', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('B', 'C', 'R', 'I', 'U', 'D', 'T', 'Y', 'O', 'M'),
        fc.uint8Array({ maxLength: 200 }),
        (code, bytes) => {
          try {
            readLogMessage(Buffer.concat([Buffer.from(code), bytes]));
          } catch (err) {
            expect(err).toBeInstanceOf(Error);
          }
        },
      ),
    );
  });
});
