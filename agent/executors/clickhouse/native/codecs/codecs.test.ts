import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from '../byte-reader.ts';
import { ByteWriter } from '../byte-writer.ts';
import type { Literal } from '../literal.ts';
import { Misfit } from '../literal.ts';
import { ConnectionError, ProtocolError, UnsupportedType } from '../native-error.ts';
import { inChunks } from '../testing/chunks.ts';
import { castOf, literalValue } from './codec.ts';
import type { Codec, Value } from './codec.ts';
import { createCodec } from './create-codec.ts';
import { ServerDates } from './server-dates.ts';

const dates = new ServerDates({ timezone: 'Europe/Berlin', major: 18 });
const make = (type: string): Codec => createCodec(type, 'c', dates);

const bigint = (bits: number, signed: boolean): fc.Arbitrary<bigint> =>
  signed
    ? fc.bigInt({ min: -(2n ** BigInt(bits - 1)), max: 2n ** BigInt(bits - 1) - 1n })
    : fc.bigInt({ min: 0n, max: 2n ** BigInt(bits) - 1n });
const day = fc.integer({ min: 1, max: 65_535 }).map((n) => new Date(n * 86_400_000).toISOString().slice(0, 10));
/** Winter nights: no clock is changed then. */
const moment = fc.integer({ min: 1, max: 130 }).map((year) => `${1975 + year}-01-15 23:59:58`);
const decimal = (digits: number, scale: number): fc.Arbitrary<string> =>
  bigint(Math.floor(digits * 3.3), true).map((n) => {
    const text = String(n < 0n ? -n : n).padStart(scale + 1, '0');
    return `${n < 0n ? '-' : ''}${text.slice(0, -scale)}.${text.slice(-scale)}`;
  });
const text = fc.string({ unit: 'grapheme' });

/** Type, and values of it. */
const VALUES: readonly (readonly [string, fc.Arbitrary<Value>])[] = [
  ...[8, 16, 32].flatMap((bits) => [
    [`Int${bits}`, fc.integer({ min: -(2 ** (bits - 1)), max: 2 ** (bits - 1) - 1 })] as const,
    [`UInt${bits}`, fc.integer({ min: 0, max: 2 ** bits - 1 })] as const,
  ]),
  ...[64, 128, 256].flatMap((bits) => [
    [`Int${bits}`, bigint(bits, true)] as const,
    [`UInt${bits}`, bigint(bits, false)] as const,
  ]),
  ['Float32', fc.float()],
  ['Float64', fc.double()],
  ['String', text],
  ['FixedString(5)', fc.string({ minLength: 5, maxLength: 5, unit: 'binary-ascii' })],
  ['Date', day],
  ['DateTime', moment],
  ["DateTime('Asia/Tokyo')", moment],
  ["Enum8('a' = -128, 'b' = 127)", fc.constantFrom('a', 'b')],
  ["Enum16('a' = -32768, 'b' = 0)", fc.constantFrom('a', 'b')],
  ['Decimal(9, 2)', decimal(9, 2)],
  ['Decimal(18, 9)', decimal(18, 9)],
  ['Decimal(38, 1)', decimal(38, 1)],
  ['Decimal(76, 40)', decimal(76, 40)],
  ['UUID', fc.uuid()],
  ['Nullable(Int64)', fc.option(bigint(64, true))],
  ['Nullable(String)', fc.option(text)],
  ['Array(String)', fc.array(text)],
  ['Array(Array(Nullable(Float64)))', fc.array(fc.array(fc.option(fc.double())))],
  [
    'Tuple(UInt8, Array(Tuple(a String, b Nullable(Date))))',
    fc.tuple(fc.nat(255), fc.array(fc.tuple(text, fc.option(day)))),
  ],
];

const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 300 });

/** A value as SQL writes it. */
function literal(codec: Codec, value: Value): Literal {
  if (value === null) return { kind: 'null' };
  if (typeof value === 'string') return codec.quoted ? { kind: 'string', value } : { kind: 'number', text: value };
  return { kind: 'number', text: codec.toText(value) };
}

describe.each(VALUES)('the codec of %s', (type, arbitrary) => {
  it('reads what it wrote, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(arbitrary, { maxLength: 20 }), sizes, async (values, chunks) => {
        const codec = make(type);
        const writer = new ByteWriter();
        codec.write(writer, values);
        const reader = new ByteReader(inChunks(writer.take(), chunks));
        const read = await codec.read(reader, values.length);
        expect(values.map((_value, row) => read(row))).toEqual(values);
        expect(reader.hasBuffered).toBe(false);
      }),
    );
  });

  it('makes of the text that it shows the same value', () => {
    const codec = make(type);
    // Arrays and tuples are lists of literals, which the tests of statements read.
    if (/Array|Tuple/.test(type)) return;
    fc.assert(
      fc.property(arbitrary, (value) => {
        expect(codec.fromLiteral(literal(codec, value))).toEqual(value);
      }),
    );
  });

  it('ends on any bytes: with values, or an error that says what is wrong', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), fc.nat(40), sizes, async (bytes, rows, chunks) => {
        const codec = make(type);
        try {
          const read = await codec.read(new ByteReader(inChunks(Buffer.from(bytes), chunks)), rows);
          for (let row = 0; row < rows; row += 1) codec.toText(read(row));
        } catch (err) {
          expect([ConnectionError, ProtocolError]).toContain((err as Error).constructor);
        }
      }),
    );
  });
});

describe('codecs', () => {
  it.each([
    ['Int8', { kind: 'number', text: '128' }],
    ['UInt64', { kind: 'number', text: '-1' }],
    ['Int32', { kind: 'number', text: '1.5' }],
    ['Int32', { kind: 'null' }],
    ['Float64', { kind: 'string', value: 'many' }],
    ['String', { kind: 'number', text: '1' }],
    ['FixedString(2)', { kind: 'string', value: '天' }],
    ['Date', { kind: 'string', value: '2026-02-29' }],
    ['Date', { kind: 'number', text: '65536' }],
    ['Date', { kind: 'string', value: '1969-12-31' }],
    ['Float32', { kind: 'number', text: '1e39' }],
    ['Float64', { kind: 'string', value: '1e400' }],
    ['Int8', { kind: 'string', value: '1.0' }],
    ['DateTime', { kind: 'number', text: '-1' }],
    ['DateTime', { kind: 'number', text: '4294967296' }],
    ['DateTime', { kind: 'string', value: '2026' }],
    ["Enum8('a' = 1)", { kind: 'number', text: '2' }],
    ['Decimal(18, 4)', { kind: 'number', text: '1234567890123456.1' }],
    ['Decimal(18, 4)', { kind: 'number', text: '1e-5' }],
    ['Array(Int8)', { kind: 'array', items: [{ kind: 'number', text: '300' }] }],
    ['DateTime', { kind: 'string', value: '2026-01-01 24:00:00' }],
    ["Enum8('a' = 1)", { kind: 'string', value: 'b' }],
    ['Decimal(5, 2)', { kind: 'number', text: '1000' }],
    ['Decimal(5, 2)', { kind: 'number', text: '0.001' }],
    ['Decimal(5, 2)', { kind: 'number', text: '.' }],
    ['UUID', { kind: 'string', value: 'x' }],
    ['Array(Int8)', { kind: 'tuple', items: [] }],
    ['Tuple(Int8)', { kind: 'tuple', items: [] }],
    ['Nothing', { kind: 'null' }],
  ] as const)('refuses what is no value of %s: %j', (type, given) => {
    expect(() => literalValue(make(type), given)).toThrow(Misfit);
  });

  it.each([
    ['Int16', { kind: 'number', text: '1e3' }, 1000],
    ['Int8', { kind: 'number', text: '+1.0' }, 1],
    ['Int8', { kind: 'tuple', items: [{ kind: 'number', text: '-1' }] }, -1],
    ['UInt64', { kind: 'number', text: '1e19' }, 10n ** 19n],
    ['Decimal(9, 2)', { kind: 'number', text: '1.5e-1' }, '0.15'],
    ['Decimal(9, 2)', { kind: 'string', value: '1.50000' }, '1.50'],
    ['Decimal(9, 2)', { kind: 'number', text: '-1e3' }, '-1000.00'],
    ['Date', { kind: 'number', text: '20000' }, '2024-10-04'],
    ['Date', { kind: 'string', value: '2026-1-5' }, '2026-01-05'],
    ['DateTime', { kind: 'string', value: '2026-01-05T10:00:00' }, '2026-01-05 10:00:00'],
    ['DateTime', { kind: 'string', value: '2026-01-05' }, '2026-01-05 00:00:00'],
    ['DateTime', { kind: 'string', value: '1500000000' }, '2017-07-14 04:40:00'],
    ["Enum8('a' = 1)", { kind: 'number', text: '1' }, 'a'],
    ['UUID', { kind: 'string', value: '00112233445566778899AABBCCDDEEFF' }, '00112233-4455-6677-8899-aabbccddeeff'],
    ['Tuple(Int8)', { kind: 'tuple', items: [{ kind: 'number', text: '1' }] }, [1]],
  ] as const)('takes other ways to write a value of %s: %j', (type, given, value) => {
    expect(literalValue(make(type), given)).toEqual(value);
  });

  it('writes values as SQL that old servers read without a loss', () => {
    const sql = (type: string, text: string): string =>
      castOf(make(type), literalValue(make(type), { kind: 'string', value: text }));
    expect(sql('Decimal(18, 6)', '123456789012.345678')).toBe("CAST('123456789012.345678' AS Decimal(18, 6))");
    expect(sql("DateTime('Asia/Tokyo')", '2017-07-14 11:40:00')).toBe("CAST(1500000000 AS DateTime('Asia/Tokyo'))");
    expect(sql('Nullable(Float64)', '-0')).toBe('CAST(CAST(-0.0 AS Float64) AS Nullable(Float64))');
    expect(sql('String', "it's \\")).toBe(`CAST('it\\'s \\\\' AS String)`);
    expect(castOf(make('Nullable(Int8)'), null)).toBe('CAST(NULL AS Nullable(Int8))');
    expect(castOf(make('Array(String)'), ["a'"])).toBe(`CAST('[\\'a\\\\\\'\\']' AS Array(String))`);
  });

  it.each([
    'LowCardinality(String)',
    'Array(LowCardinality(String))',
    'AggregateFunction(sum, UInt64)',
    'Tuple()',
    'Decimal(99, 2)',
    'FixedString(0)',
    'Enum8()',
    "DateTime('Nowhere/City')",
    'Int8)',
    '',
    `${'Array('.repeat(40)}Int8${')'.repeat(40)}`,
  ])('names the type %s, which it does not know', (type) => {
    expect(() => make(type)).toThrow(UnsupportedType);
    expect(() => make(type)).toThrow(`type ${type} of column c is not supported`);
  });

  it('refuses arrays that end before they begin, or beyond all bounds', async () => {
    for (const ends of [
      [5n, 3n],
      [2n ** 40n, 2n ** 41n],
    ]) {
      const bytes = Buffer.alloc(16);
      ends.forEach((end, i) => bytes.writeBigUInt64LE(end, i * 8));
      await expect(make('Array(Int8)').read(new ByteReader(inChunks(bytes, [])), 2)).rejects.toThrow(ProtocolError);
    }
  });

  it('shows no date as the server does', async () => {
    for (const [major, shown] of [
      [18, '0000-00-00 00:00:00'],
      [26, '1970-01-01 01:00:00'],
    ] as const) {
      const codec = createCodec('DateTime', 'c', new ServerDates({ timezone: 'Europe/Berlin', major }));
      const read = await codec.read(new ByteReader(inChunks(Buffer.alloc(4), [])), 1);
      expect(read(0)).toBe(shown);
      expect(codec.fromLiteral({ kind: 'string', value: shown })).toBe(shown);
    }
  });
});
