import fc from 'fast-check';
import { BSON, Double, Long } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { ExtendedJsonError, parseExtendedJson } from './extended-json.ts';

/** What the server gets, in canonical Extended JSON, which names every type. */
const sent = (text: string): unknown => {
  const bytes = BSON.serialize({ value: parseExtendedJson(text) });
  const value = BSON.deserialize(bytes, { promoteValues: false, bsonRegExp: true });
  return (BSON.EJSON.serialize(value, { relaxed: false }) as { value: unknown }).value;
};

const int64s = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });

describe('parseExtendedJson', () => {
  it.each([
    '{"$oid":"65f0a1b2c3d4e5f601234567"}',
    '{"$numberInt":"-2147483648"}',
    '{"$numberLong":"9223372036854775807"}',
    '{"$numberLong":"-9223372036854775808"}',
    '{"$numberDouble":"-0.0"}',
    '{"$numberDouble":"NaN"}',
    '{"$numberDouble":"-Infinity"}',
    '{"$numberDecimal":"123456789012345678901234567890.1234"}',
    '{"$date":{"$numberLong":"-62135596800000"}}',
    '{"$binary":{"base64":"AP8=","subType":"80"}}',
    '{"$binary":{"base64":"c//SZESzTGmQ6OfR38A11A==","subType":"04"}}',
    '{"$regularExpression":{"pattern":"^a/b","options":"im"}}',
    '{"$timestamp":{"t":4294967295,"i":1}}',
    '{"$minKey":1}',
    '{"$maxKey":1}',
    '{"$symbol":"s"}',
    '{"$code":"return 1"}',
    '[{"a":{"$oid":"65f0a1b2c3d4e5f601234567"}},"text",null,true]',
  ])('sends %s as it says', (text) => {
    expect(sent(text)).toEqual(JSON.parse(text));
  });

  it.each([
    ['1', { $numberInt: '1' }],
    ['-2147483648', { $numberInt: '-2147483648' }],
    ['2147483648', { $numberLong: '2147483648' }],
    ['[9007199254740993]', [{ $numberLong: '9007199254740993' }]],
    ['{"a": -9223372036854775808}', { a: { $numberLong: '-9223372036854775808' } }],
    ['[18446744073709551616]', [{ $numberDouble: '18446744073709551616.0' }]],
    ['1.5', { $numberDouble: '1.5' }],
    ['[1.0]', [{ $numberDouble: '1.0' }]],
    ['[2.00, 1e3]', [{ $numberDouble: '2.0' }, { $numberDouble: '1000.0' }]],
    ['{"$date":"2026-01-31T12:00:00.250+02:00"}', { $date: { $numberLong: '1769853600250' } }],
    ['{"$date":"2026-01-31"}', { $date: { $numberLong: '1769817600000' } }],
    ['{"$date":1769853600250}', { $date: { $numberLong: '1769853600250' } }],
    ['{"$binary":"AP8=","$type":"00"}', { $binary: { base64: 'AP8=', subType: '00' } }],
    [
      '{"$uuid":"73ffd264-44b3-4c69-90e8-e7d1dfc035d4"}',
      { $binary: { base64: 'c//SZESzTGmQ6OfR38A11A==', subType: '04' } },
    ],
  ])('sends %s in the type that it is', (text, canonical) => {
    expect(sent(text)).toEqual(canonical);
  });

  it('refuses a whole number that it could only round', () => {
    expect(() => parseExtendedJson('{"a": 123456789012345678901234567890}')).toThrow(/more digits than 64 bits hold/);
  });

  it('refuses a name that stands twice in one object, of which one would be lost', () => {
    expect(() => parseExtendedJson('{"filter": {"a": 1},\n "filter": {}}')).toThrow(
      'invalid JSON at line 2, column 2 (position 22): the name "filter" stands twice in one object',
    );
  });

  it('keeps every whole number of 64 bits, wherever it stands', () => {
    fc.assert(
      fc.property(int64s, fc.boolean(), (number, wrapped) => {
        const digits = String(number);
        const text = wrapped ? `{"a":[0, {"$numberLong":"${digits}"}]}` : `{"a":[0, ${digits}]}`;
        const { a } = parseExtendedJson(text) as { a: unknown[] };
        expect(String(a[1])).toBe(digits);
      }),
    );
  });

  it('reads what the driver itself writes', () => {
    const value = fc.oneof(
      fc.integer(),
      int64s.map((number) => Long.fromBigInt(number)),
      // The driver's own text of a whole number that is stored as a double is not exact.
      fc.double({ noNaN: true }).map((number) => new Double(number)),
      fc.string(),
      fc.date({ noInvalidDate: true }),
      fc.boolean(),
      fc.constant(null),
    );
    const names = fc.string({ maxLength: 5 }).filter((name) => !name.startsWith('$') && !name.includes('\0'));
    const documents = fc.dictionary(names, fc.oneof(value, fc.array(value)));
    fc.assert(
      fc.property(documents, (document) => {
        const text = BSON.EJSON.stringify(document, { relaxed: false });
        const canonical = JSON.parse(text) as unknown;
        expect(sent(text)).toEqual(canonical);
      }),
    );
  });

  it('leaves operators as they are, also beside a regular expression', () => {
    const filter = { name: { $regex: '^a', $options: 'i', $nin: ['ab'] }, $or: [{ a: { $gt: 1 } }, { $expr: true }] };
    expect(parseExtendedJson(JSON.stringify(filter))).toEqual(filter);
  });

  it('keeps a name such as __proto__', () => {
    const parsed = parseExtendedJson('{"__proto__": {"$numberInt": "1"}}') as object;
    expect(Object.keys(parsed)).toEqual(['__proto__']);
    expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  });

  it.each([
    ['{"a":\n1,}', 'invalid JSON at line 2, column 3 (position 8): expected a name in double quotes'],
    ['{"a":[{"$oid":"x"}]}', 'a[0]: invalid $oid: expected 24 hex digits'],
    ['{"$numberLong":"9223372036854775808"}', 'the text: invalid $numberLong: expected a whole number of 64 bits'],
    ['{"$numberInt":"2147483648"}', 'the text: invalid $numberInt: expected 32 bits'],
    ['{"$numberDecimal":"1.5.5"}', 'the text: invalid $numberDecimal: expected a decimal number of at most 34 digits'],
    ['{"$date":"2026-01-31T12:00:00"}', /^the text: invalid \$date: expected a date such as/],
    ['{"$binary":{"base64":"?","subType":"00"}}', 'the text: invalid $binary: expected base64 in a string'],
    ['{"a":{"$oid":"65f0a1b2c3d4e5f601234567","b":1}}', 'a: b may not stand beside $oid'],
    ['[1e999]', '[0]: the number is too large'],
    ['{"$regularExpression":{"pattern":"secret\\u0000","options":""}}', 'the text: invalid $regularExpression'],
  ])('refuses %s', (text, message) => {
    expect(() => parseExtendedJson(text)).toThrow(ExtendedJsonError);
    expect(() => parseExtendedJson(text)).toThrow(message);
  });

  it('refuses what is nested without end', () => {
    const deep = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`;
    expect(() => parseExtendedJson(deep(150))).not.toThrow();
    expect(() => parseExtendedJson(deep(300))).toThrow(ExtendedJsonError);
    expect(() => parseExtendedJson(deep(1_000_000))).toThrow(ExtendedJsonError);
  });
});
