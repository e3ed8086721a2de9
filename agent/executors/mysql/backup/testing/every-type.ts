import fc from 'fast-check';
import type { Flavour } from '../../session/session.ts';

/** A column's type, and SQL for values of it that are likely to go wrong. */
export interface SampleType {
  readonly type: string;
  readonly value: fc.Arbitrary<string>;
  /** A key may hold it. */
  readonly key?: boolean;
}

const of = (type: string, ...values: readonly string[]): SampleType => ({ type, value: fc.constantFrom(...values) });
const key = (type: string, ...values: readonly string[]): SampleType => ({ ...of(type, ...values), key: true });

/** Characters that are in latin1 and in gbk, quotes, and what a script could stumble over. */
const plain = fc.stringMatching(/^[a-zA-Z0-9 ;'"\\`%_\n\r\t\0/*#-]{0,24}$/);
const hex = (text: string): string => `_utf8mb4 0x${Buffer.from(text, 'utf8').toString('hex')}`;
const string = (special: string): fc.Arbitrary<string> =>
  fc
    .tuple(plain, fc.constantFrom('', ...Array.from(special)))
    .map(([text, extra]) => (text + extra === '' ? `''` : hex(text + extra)));
const bytes = (most: number): fc.Arbitrary<string> =>
  fc.uint8Array({ maxLength: most }).map((all) => (all.length === 0 ? `''` : `0x${Buffer.from(all).toString('hex')}`));
const integer = (least: bigint, most: bigint): fc.Arbitrary<string> =>
  fc.oneof(fc.constantFrom(least, most, 0n), fc.bigInt(least, most)).map(String);
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true, min: -1.7e308, max: 1.7e308 })
  .map((value) => (Object.is(value, -0) ? '-0e0' : value.toExponential()));
const float = fc
  .float({ noNaN: true, noDefaultInfinity: true, max: Math.fround(3.4e38), min: Math.fround(-3.4e38) })
  .map((value) => (Object.is(value, -0) ? '-0e0' : value.toExponential()));
const json = fc
  .json({ maxDepth: 3 })
  .filter((text) => Buffer.byteLength(text) < 4000)
  .map(hex);
const point = (x: string): string => `0x000000000101000000000000000000${x}3F0000000000000040`;

const NUMBERS: readonly SampleType[] = [
  { type: 'TINYINT', value: integer(-128n, 127n), key: true },
  { type: 'SMALLINT UNSIGNED', value: integer(0n, 65_535n), key: true },
  { type: 'MEDIUMINT', value: integer(-(2n ** 23n), 2n ** 23n - 1n), key: true },
  { type: 'INT(7) UNSIGNED ZEROFILL', value: integer(0n, 2n ** 32n - 1n), key: true },
  { type: 'BIGINT', value: integer(-(2n ** 63n), 2n ** 63n - 1n), key: true },
  { type: 'BIGINT UNSIGNED', value: integer(0n, 2n ** 64n - 1n), key: true },
  key('DECIMAL(20,6)', '0', '-0.000001', '12345678901234.567890', '1.5', '-99999999999999.999999'),
  key('DECIMAL(65,30)', `${'9'.repeat(35)}.${'9'.repeat(30)}`, '-1e-30', '0', '1.10'),
  { type: 'FLOAT', value: float },
  of('FLOAT(7,4)', '999.0001', '-0e0', '0', '123.4567', '-999.9999'),
  { type: 'DOUBLE', value: double },
  key('BIT(1)', '0', '1'),
  key('BIT(13)', '0', '1', '8191'),
  { type: 'BIT(64)', value: integer(0n, 2n ** 64n - 1n), key: true },
  key('YEAR', '0', '1901', '2024', '2155'),
];

const STRINGS: readonly SampleType[] = [
  { type: 'CHAR(40) CHARACTER SET utf8mb4', value: string('é漢😀') },
  { type: 'VARCHAR(60) CHARACTER SET utf8mb4', value: string('é漢😀 '), key: true },
  { type: 'VARCHAR(60) CHARACTER SET latin1', value: string('éÿ€') },
  { type: 'VARCHAR(60) CHARACTER SET gbk', value: string('漢字﹏') },
  { type: 'CHAR(40) CHARACTER SET gbk', value: string('漢字') },
  { type: 'VARCHAR(60) CHARACTER SET utf16', value: string('é漢😀') },
  { type: 'TEXT CHARACTER SET utf8mb3', value: string('é漢') },
  { type: 'LONGTEXT CHARACTER SET latin1', value: string('éÿ') },
  { type: 'VARCHAR(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin', value: string('aA'), key: true },
  { type: 'BINARY(8)', value: bytes(8), key: true },
  { type: 'VARBINARY(80)', value: bytes(80), key: true },
  { type: 'BLOB', value: bytes(300) },
  of('LONGBLOB', `''`, `REPEAT(0xFF00, 700)`, '0x00'),
  of(`ENUM('a','b,c','it''s','漢')`, '1', '2', '3', '4'),
  key(`SET('x','y','z','漢') CHARACTER SET utf8mb4`, '0', '1', '2', '5', '15'),
];

const TIMES: readonly SampleType[] = [
  key('DATE', `'0000-00-00'`, `'2024-02-29'`, `'9999-12-31'`, `'2024-00-15'`, `'1000-01-01'`),
  key('TIME', `'-838:59:59'`, `'838:59:59'`, `'00:00:00'`),
  key('TIME(6)', `'-00:00:00.000001'`, `'12:34:56.789012'`, `'838:59:58.999999'`),
  key('DATETIME', `'0000-00-00 00:00:00'`, `'2024-02-29 23:59:59'`),
  key('DATETIME(6)', `'2024-03-31 02:30:00.123456'`, `'9999-12-31 23:59:59.999999'`, `'1000-01-01 00:00:00'`),
  key('TIMESTAMP', `'1970-01-01 00:00:01'`, `'2024-10-27 00:30:00'`),
  key('TIMESTAMP(6)', `'2038-01-19 03:14:07.999999'`, `'2024-03-31 01:30:00.000001'`, `'0000-00-00 00:00:00'`),
];

const PECULIAR: Readonly<Record<Flavour, readonly SampleType[]>> = {
  mysql: [
    { type: 'JSON', value: json },
    of('JSON', `'{"a": 1.0, "b": -0.0, "c": 1e20}'`, `'[18446744073709551615, -9223372036854775808]'`, `'"漢😀"'`),
    of('GEOMETRY', point('F0'), point('E0'), `ST_GeomFromText('POINT(1 2)', 4326)`),
    of('POINT', point('F0'), point('E0')),
    of('VECTOR(2)', '0x0000803F00000040', '0x0000803F0000803F'),
  ],
  mariadb: [
    { type: 'JSON', value: json },
    of('GEOMETRY', point('F0'), point('E0')),
    of('POINT', point('F0'), point('E0')),
    key('UUID', `'123e4567-e89b-12d3-a456-426655440000'`, `'00000000-0000-0000-0000-000000000000'`),
    of('INET6', `'::1'`, `'2001:db8::ff00:42:8329'`),
    of('INET4', `'1.2.3.4'`, `'255.255.255.255'`),
  ],
  doris: [],
};

/** Types of columns, with values of each. */
export const everyType = (flavour: Flavour): readonly SampleType[] => [
  ...NUMBERS,
  ...STRINGS,
  ...TIMES,
  ...PECULIAR[flavour],
];

/** Documents that hold what their text does not tell, so that only the log knows them. */
export const FOREIGN_JSON = of(
  'JSON',
  `JSON_OBJECT('price', 1.10, 'on', DATE'2024-02-29', 'b', JSON_ARRAY(0x00FF, -0.05, 1e0))`,
  `JSON_ARRAY(CAST(9 AS DECIMAL(5,2)), TIME'-00:00:00.000001', '漢', JSON_OBJECT('', TIMESTAMP'2024-02-29 01:02:03'))`,
);
