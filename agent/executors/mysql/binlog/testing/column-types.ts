import fc from 'fast-check';
import type { Arbitrary } from 'fast-check';

/** A type of column, and what to write into it. */
export interface TriedType {
  readonly type: string;
  readonly kind: string;
  /** Expressions of SQL, never NULL. */
  readonly values: Arbitrary<string>;
}

const hex = (bytes: Uint8Array): string => (bytes.length === 0 ? "''" : `0x${Buffer.from(bytes).toString('hex')}`);
const bytes = (maxLength: number): Arbitrary<string> => fc.uint8Array({ maxLength, size: 'max' }).map(hex);
const quoted = (text: string): string => `'${text.replaceAll(/['\\]/g, (char) => `\\${char}`)}'`;
const integers = (bits: number): Arbitrary<string> =>
  fc.oneof(fc.bigInt(-(2n ** BigInt(bits - 1)), 2n ** BigInt(bits - 1) - 1n), fc.bigInt(-2n, 2n)).map(String);
const unsigned = (bits: number): Arbitrary<string> => fc.bigInt(0n, 2n ** BigInt(bits) - 1n).map(String);

const INTEGERS = { tinyint: 8, smallint: 16, mediumint: 24, int: 32, bigint: 64 };

function integerTypes(): TriedType[] {
  return Object.entries(INTEGERS).flatMap(([type, bits]) => [
    { type, kind: 'number', values: integers(bits) },
    { type: `${type} unsigned`, kind: 'number', values: unsigned(bits) },
  ]);
}

const decimal = (precision: number, scale: number): TriedType => ({
  type: `decimal(${precision},${scale})`,
  kind: 'number',
  values: fc
    .tuple(fc.boolean(), fc.bigInt(0n, 10n ** BigInt(precision) - 1n), fc.integer({ min: 0, max: precision }))
    .map(([negative, digits, cut]) => {
      const text = (digits / 10n ** BigInt(cut)).toString().padStart(scale + 1, '0');
      const whole = text.slice(0, text.length - scale);
      return `${negative ? '-' : ''}${whole}${scale > 0 ? `.${text.slice(text.length - scale)}` : ''}`;
    }),
});

const floats: Arbitrary<string> = fc
  .oneof(fc.float({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 1, -1.5, 1.5e-45, 3.4028234e38))
  .map((value) => `${Object.is(value, -0) ? '-' : ''}${value.toExponential()}`);
const doubles: Arbitrary<string> = fc
  .oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constantFrom(0, -0, 5e-324, 1.7976931348623157e308))
  .map((value) => `${Object.is(value, -0) ? '-' : ''}${value.toExponential()}`);

const two = (max: number, min = 0): Arbitrary<string> =>
  fc.integer({ min, max }).map((n) => String(n).padStart(2, '0'));
const fraction = (digits: number): Arbitrary<string> =>
  digits === 0
    ? fc.constant('')
    : fc
        .oneof(fc.nat(10 ** digits - 1), fc.constantFrom(0, 1, 10 ** digits - 1))
        .map((n) => `.${String(n).padStart(digits, '0')}`);
const dates: Arbitrary<string> = fc.oneof(
  fc
    .tuple(fc.integer({ min: 0, max: 9999 }), two(12), two(28))
    .map(([y, m, d]) => `${String(y).padStart(4, '0')}-${m}-${d}`),
  fc.constantFrom('0000-00-00', '9999-12-31', '1000-01-01', '2024-02-29', '2023-00-00', '2023-05-00'),
);
const clock: Arbitrary<string> = fc.tuple(two(23), two(59), two(59)).map((parts) => parts.join(':'));
const spans: Arbitrary<string> = fc
  .tuple(fc.boolean(), two(838), two(59), two(59))
  .map(([negative, ...parts]) => `${negative ? '-' : ''}${parts.join(':')}`);
const seconds = fc
  .integer({ min: 1, max: 2 ** 31 - 2 })
  .map((n) => new Date(n * 1000).toISOString().slice(0, 19).replace('T', ' '));

function temporalTypes(): TriedType[] {
  const kind = 'temporal';
  const some = [0, 1, 2, 3, 4, 5, 6].flatMap((digits): TriedType[] => {
    const parts = (head: Arbitrary<string>): Arbitrary<string> =>
      fc.tuple(head, fraction(digits)).map(([a, b]) => `'${a}${b}'`);
    const datetime = fc.tuple(dates, clock).map((both) => both.join(' '));
    return [
      { type: `time(${digits})`, kind, values: parts(spans) },
      { type: `datetime(${digits})`, kind, values: parts(datetime) },
      {
        type: `timestamp(${digits}) NULL`,
        kind,
        values: fc.oneof(parts(seconds), fc.constant("'0000-00-00 00:00:00'")),
      },
    ];
  });
  return [...some, { type: 'date', kind, values: dates.map((date) => `'${date}'`) }];
}

const text = (type: string, charset: string, chars: Arbitrary<string>, maxLength: number): TriedType => ({
  type: `${type} CHARACTER SET ${charset}`,
  kind: 'text',
  values: fc
    .string({ unit: chars, maxLength, size: 'max' })
    .map((value) => `CONVERT(${quoted(value)} USING ${charset})`),
});
const ascii = fc.integer({ min: 1, max: 126 }).map((code) => String.fromCharCode(code));
const inCharset = (...more: readonly string[]): Arbitrary<string> => fc.oneof(ascii, fc.constantFrom(...more));
const CHARS: Readonly<Record<string, Arbitrary<string>>> = {
  utf8mb4: fc.oneof(fc.string({ unit: 'grapheme', minLength: 1, maxLength: 1 }), inCharset('😀', '中', '\ufeff', '\0')),
  latin1: inCharset('é', 'ÿ', '€', '¿', 'ß'),
  gbk: inCharset('中', '文', '锟', '斤', '縗', '誠'),
  big5: inCharset('中', '功', '許'),
  sjis: inCharset('表', 'ソ', 'ｱ'),
  ucs2: inCharset('中', 'é', '\ufeff'),
  utf16: inCharset('😀', '中'),
  utf32: inCharset('😀', '中'),
  ascii,
};

function textTypes(): TriedType[] {
  return Object.entries(CHARS).flatMap(([charset, chars]) => [
    text('char(30)', charset, chars, 30),
    text('varchar(40)', charset, chars, 40),
    text('varchar(300)', charset, chars, 300),
    text('text', charset, chars, 400),
  ]);
}

const bytesType = (type: string, length: number, values = bytes(length)): TriedType => ({
  type,
  kind: 'bytes',
  values,
});
const zeros: Arbitrary<string> = fc.constantFrom('0x00', '0x0000', "''", '0x2000', '0x0020');

const ODD_MEMBERS = ['a', 'b,c', "it''s", '中', '', 'x y', '\\\\', 'A(1)', '\\n', '"'];
const members = (count: number): string =>
  [...ODD_MEMBERS, ...Array.from({ length: Math.max(0, count - ODD_MEMBERS.length) }, (_, index) => `m${index}`)]
    .slice(0, count)
    .map((member) => `'${member}'`)
    .join(',');
const setMembers = (count: number): string =>
  Array.from({ length: count }, (_, index) => `'${["it''s", '中', '', 'x y', '\\\\'][index] ?? `m${index}`}'`).join(
    ',',
  );

const memberTypes = (): TriedType[] => [
  { type: `enum(${members(10)})`, kind: 'enum', values: fc.integer({ min: 0, max: 10 }).map(String) },
  { type: `enum(${members(300)})`, kind: 'enum', values: fc.integer({ min: 0, max: 300 }).map(String) },
  { type: `enum('é','ß') CHARACTER SET latin1`, kind: 'enum', values: fc.integer({ min: 1, max: 2 }).map(String) },
  ...[1, 8, 9, 17, 33, 64].map((count) => ({
    type: `set(${setMembers(count)})`,
    kind: 'set',
    values: unsigned(count),
  })),
];

const bits = [1, 7, 8, 9, 31, 63, 64].map((count): TriedType => ({
  type: `bit(${count})`,
  kind: 'bit',
  values: unsigned(count),
}));

const point = fc.tuple(fc.integer({ min: -90, max: 90 }), fc.double({ min: -80, max: 80, noNaN: true }));
const xy = point.map(([x, y]) => `${x} ${y}`);
const wkt: Arbitrary<string> = fc.oneof(
  xy.map((p) => `POINT(${p})`),
  fc.array(xy, { minLength: 2, maxLength: 5 }).map((points) => `LINESTRING(${points.join(', ')})`),
  fc.constant('POLYGON((0 0, 10 0, 10 10, 0 10, 0 0), (1 1, 2 1, 2 2, 1 1))'),
  fc.tuple(xy, xy).map(([a, b]) => `GEOMETRYCOLLECTION(POINT(${a}), MULTIPOINT(${a}, ${b}))`),
);
const geometries = (srid: number): Arbitrary<string> => wkt.map((value) => `ST_GeomFromText('${value}', ${srid})`);

export function columnTypes(server: 'mysql' | 'mariadb'): TriedType[] {
  return [
    ...integerTypes(),
    ...[
      [1, 0],
      [5, 5],
      [9, 9],
      [10, 2],
      [18, 9],
      [20, 6],
      [38, 0],
      [65, 30],
      [65, 0],
    ].map(([p = 0, s = 0]) => decimal(p, s)),
    { type: 'float', kind: 'float', values: floats },
    { type: 'double', kind: 'float', values: doubles },
    {
      type: 'year',
      kind: 'number',
      values: fc.oneof(fc.integer({ min: 1901, max: 2155 }).map(String), fc.constant('0')),
    },
    ...temporalTypes(),
    ...textTypes(),
    bytesType('binary(20)', 20, fc.oneof(bytes(20), zeros)),
    bytesType('binary(255)', 255, fc.oneof(bytes(255), zeros)),
    bytesType('varbinary(20)', 20, fc.oneof(bytes(20), zeros)),
    bytesType('varbinary(1000)', 1000),
    bytesType('tinyblob', 255),
    bytesType('blob', 2000),
    bytesType('mediumblob', 2000),
    bytesType('longblob', 2000),
    ...memberTypes(),
    ...bits,
    { type: 'geometry', kind: 'geometry', values: fc.oneof(geometries(0), geometries(4326)) },
    { type: 'point', kind: 'geometry', values: xy.map((p) => `ST_GeomFromText('POINT(${p})', 0)`) },
    ...(server === 'mysql' ? mysqlTypes() : mariadbTypes()),
  ];
}

/** The server refuses numbers that are not normal, and vectors that are too long. */
const coordinates: Arbitrary<number> = fc
  .tuple(fc.float({ min: 1, max: 2, noNaN: true }), fc.integer({ min: -20, max: 20 }), fc.constantFrom(-1, 0, 1))
  .map(([mantissa, exponent, sign]) => mantissa * 2 ** exponent * sign);
const mysqlTypes = (): TriedType[] => [
  {
    type: 'vector(4)',
    kind: 'bytes',
    values: fc.array(coordinates, { minLength: 1, maxLength: 4 }).map((v) => `STRING_TO_VECTOR('[${v.join(',')}]')`),
  },
];

/** Of version 8 the server takes some for no UUID. */
const uuid = fc.uuid({ version: [1, 2, 3, 4, 5, 6, 7] });
const sparseIpv6 = fc
  .array(
    fc.oneof(
      fc.constantFrom('0', '0', '0', 'ffff', '1'),
      fc.nat(0xffff).map((group) => group.toString(16)),
    ),
    { minLength: 8, maxLength: 8 },
  )
  .map((groups) => groups.join(':'));
const mariadbTypes = (): TriedType[] => [
  {
    type: 'uuid',
    kind: 'name',
    values: fc.oneof(uuid, fc.constant('00000000-0000-0000-0000-000000000000')).map(quoted),
  },
  { type: 'inet4', kind: 'name', values: fc.ipV4().map(quoted) },
  { type: 'inet6', kind: 'name', values: sparseIpv6.map(quoted) },
  {
    type: 'vector(4)',
    kind: 'bytes',
    values: fc.array(coordinates, { minLength: 4, maxLength: 4 }).map((v) => `VEC_FromText('[${v.join(',')}]')`),
  },
  ...['varchar(300) COMPRESSED', 'text COMPRESSED'].map((type): TriedType => ({
    type,
    kind: 'text',
    values: fc
      .tuple(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.integer({ min: 1, max: 50 }))
      .map(([part, times]) => `REPEAT(${quoted(part)}, ${times})`),
  })),
  ...['varbinary(300) COMPRESSED', 'blob COMPRESSED'].map((type): TriedType => ({
    type,
    kind: 'bytes',
    values: fc.tuple(bytes(5), fc.integer({ min: 1, max: 50 })).map(([part, times]) => `REPEAT(${part}, ${times})`),
  })),
  { type: 'json', kind: 'text', values: fc.json().map(quoted) },
];
