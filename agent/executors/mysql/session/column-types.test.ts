import { describe, expect, it } from 'vitest';
import { jsonReaders, toColumns, valueReader } from './column-types.ts';
import type { Field } from './column-types.ts';

const UTF8MB4 = 255;
const BINARY = 63;
const field = (changes: Partial<Field>): Field => ({
  ...{ name: 'c', charset: UTF8MB4, length: 10, type: 253, flags: 0, format: undefined },
  ...changes,
});
const read = (changes: Partial<Field>, bytes: Buffer, isUtf8Sent = true): string =>
  valueReader(field(changes), isUtf8Sent)(
    Buffer.concat([Buffer.from('<'), bytes, Buffer.from('>')]),
    1,
    1 + bytes.length,
  );

describe('columns of MySQL', () => {
  it.each([
    [{ type: 3 }, 'int'],
    [{ type: 8, flags: 0x20 }, 'bigint unsigned'],
    [{ type: 13, flags: 0x20 }, 'year'],
    [{ type: 246 }, 'decimal'],
    [{ type: 252 }, 'text'],
    [{ type: 252, charset: BINARY }, 'blob'],
    [{ type: 254, flags: 0x100 }, 'enum'],
    [{ type: 254, flags: 0x800 }, 'set'],
    [{ type: 254, charset: BINARY }, 'binary'],
    [{ type: 252, format: 'json' }, 'json'],
    [{ type: 254, format: 'uuid' }, 'uuid'],
    [{ type: 200 }, 'type 200'],
  ])('name %j %s', (changes, type) => {
    expect(toColumns([field(changes)])[0]?.type).toBe(type);
  });

  it('show numbers to the right, and keep JSON as it is', () => {
    expect(toColumns([field({ type: 246 }), field({ type: 245 }), field({})])).toMatchObject([
      { numeric: true, json: false },
      { numeric: false, json: true },
      { numeric: false, json: false },
    ]);
  });

  it('read bytes as the server would read them in a statement', () => {
    expect(read({ type: 252, charset: BINARY }, Buffer.from([0, 255]))).toBe('0x00FF');
    expect(read({ type: 16 }, Buffer.from([5]))).toBe('0x05');
    expect(read({ type: 255, charset: BINARY }, Buffer.alloc(2))).toBe('0x0000');
  });

  it('read text, and what is none as bytes where the client asked for another character set', () => {
    expect(read({}, Buffer.from('中é'))).toBe('中é');
    expect(read({}, Buffer.from('中é'), false)).toBe('中é');
    expect(read({ charset: 8 }, Buffer.from([0xe9]), false)).toBe('0xE9');
    // MariaDB sends what it calls uuid as binary text.
    expect(read({ type: 254, charset: BINARY, format: 'uuid' }, Buffer.from('a-b'))).toBe('a-b');
    expect(read({ type: 253, charset: BINARY, format: 'vector' }, Buffer.from([1]))).toBe('0x01');
  });

  it('make numbers of JSON of what loses no digit', () => {
    const [integer, float, decimal] = jsonReaders([field({ type: 8 }), field({ type: 5 }), field({ type: 246 })]);
    expect([integer?.('18446744073709551615'), float?.('1e100'), decimal]).toEqual([
      18446744073709551615n,
      1e100,
      undefined,
    ]);
  });
});
