import { BSON, Decimal128, Double, Int32, Long, ObjectId, Timestamp } from 'mongodb';
import { describe, expect, it } from 'vitest';
import { cellsOf, jsonOf } from './shown-values.ts';

const id = new ObjectId('65f0a1b2c3d4e5f601234567');
const document = {
  id,
  long: Long.fromString('-9223372036854775808'),
  decimal: Decimal128.fromString('1.10'),
  timestamp: new Timestamp({ t: 7, i: 1 }),
  date: new Date('2026-01-31T12:00:00Z'),
  early: new Date(-62_135_596_800_000),
  nothing: null,
  text: '{"a":1}',
  yes: true,
  number: 1.5,
  infinite: Infinity,
  nested: { list: [id, { n: 1 }] },
};

describe('jsonOf', () => {
  it('gives relaxed Extended JSON with all digits, which parses to the same', () => {
    expect(jsonOf(document)).toEqual({
      id: { $oid: '65f0a1b2c3d4e5f601234567' },
      long: { $numberLong: '-9223372036854775808' },
      decimal: { $numberDecimal: '1.10' },
      timestamp: { $timestamp: { t: 7, i: 1 } },
      date: { $date: '2026-01-31T12:00:00Z' },
      early: { $date: { $numberLong: '-62135596800000' } },
      nothing: null,
      text: '{"a":1}',
      yes: true,
      number: 1.5,
      infinite: { $numberDouble: 'Infinity' },
      nested: { list: [{ $oid: '65f0a1b2c3d4e5f601234567' }, { n: 1 }] },
    });
    const parsed = BSON.EJSON.parse(JSON.stringify(jsonOf(document)), { relaxed: false });
    expect(BSON.serialize(parsed)).toEqual(BSON.serialize({ ...document, number: new Double(1.5) }));
  });
});

describe('jsonOf of numbers', () => {
  it.each([
    [new Int32(5), '5'],
    [new Double(5), '5.0'],
    [new Double(-0), '-0.0'],
    [new Double(1.5), '1.5'],
    [new Double(1e300), '1e+300'],
    [new Double(2 ** 60), '1152921504606847000.0'],
    [new Double(NaN), '{"$numberDouble":"NaN"}'],
  ])('writes %j as %s', (value, text) => {
    expect(JSON.stringify(jsonOf({ value }))).toBe(`{"value":${text}}`);
  });
});

describe('cellsOf', () => {
  it('shows scalars plain and the rest as Extended JSON', () => {
    expect(cellsOf(document)).toEqual({
      id: '65f0a1b2c3d4e5f601234567',
      long: '-9223372036854775808',
      decimal: '1.10',
      timestamp: '{"$timestamp":{"t":7,"i":1}}',
      date: '2026-01-31T12:00:00.000Z',
      early: '0001-01-01T00:00:00.000Z',
      nothing: null,
      text: '{"a":1}',
      yes: true,
      number: 1.5,
      infinite: '{"$numberDouble":"Infinity"}',
      nested: '{"list":[{"$oid":"65f0a1b2c3d4e5f601234567"},{"n":1}]}',
    });
  });
});
