import type { CellValue } from '../cell-value.ts';
import type { ColumnFact } from '../column-fact.ts';
import type { ColumnLayout } from './column-layout.ts';
import { textDecoder } from './text-decoder.ts';
import { decimalText } from './values/decimal-value.ts';
import { jsonText } from './values/json-text.ts';
import { parseMembers } from './values/members.ts';
import { floatText, integerText, yearText } from './values/number-value.ts';
import { hiresText, oldDatetimeText, oldTimestampText, oldTimeText } from './values/old-temporal-value.ts';
import { dateText, datetime2Text, time2Text, timestamp2Text } from './values/temporal-value.ts';
import { WireType } from './wire-type.ts';

/** The bytes of one value. Throws `Malformed`. */
export type ValueDecoder = (raw: Buffer) => CellValue;

const INTEGERS: Readonly<Record<number, string>> = {
  [WireType.Tiny]: 'tinyint',
  [WireType.Short]: 'smallint',
  [WireType.Int24]: 'mediumint',
  [WireType.Long]: 'int',
  [WireType.LongLong]: 'bigint',
};
const GEOMETRIES =
  /^(geometry|point|linestring|polygon|multipoint|multilinestring|multipolygon|geometrycollection|geomcollection)\b/;

/** How values of a column become what they mean; a text says why they cannot. */
export function decoderFor(layout: ColumnLayout, fact: ColumnFact): ValueDecoder | string {
  const base = baseType(fact.type);
  const digits = precisionOf(fact.type);
  const misfit = `column ${fact.name} is ${fact.type} now, which is not what the log has`;
  const when = (fits: boolean, decode: ValueDecoder): ValueDecoder | string => (fits ? decode : misfit);
  const temporal = (fits: boolean, show: (raw: Buffer) => string): ValueDecoder | string =>
    when(fits, (raw) => ({ kind: 'temporal', text: show(raw) }));
  const { size, scale } = layout;
  switch (layout.type) {
    case WireType.Tiny:
    case WireType.Short:
    case WireType.Int24:
    case WireType.Long:
    case WireType.LongLong:
      return when(base === INTEGERS[layout.type], (raw) => ({ kind: 'number', text: integerText(raw, fact.unsigned) }));
    case WireType.Float:
      return when(base === 'float', (raw) => ({ kind: 'float', text: floatText(raw.readFloatLE(0)) }));
    case WireType.Double:
      return when(base === 'double', (raw) => ({ kind: 'float', text: floatText(raw.readDoubleLE(0)) }));
    case WireType.NewDecimal:
      return when(new RegExp(`^decimal\\(${size},${scale}\\)`).test(fact.type), (raw) => ({
        kind: 'number',
        text: decimalText(raw, size, scale),
      }));
    case WireType.Year:
      return when(base === 'year', (raw) => ({ kind: 'number', text: yearText(raw) }));
    case WireType.Date:
    case WireType.NewDate:
      return temporal(base === 'date', dateText);
    case WireType.Time2:
      return temporal(base === 'time' && digits === size, (raw) => time2Text(raw, size));
    case WireType.Datetime2:
      return temporal(base === 'datetime' && digits === size, (raw) => datetime2Text(raw, size));
    case WireType.Timestamp2:
      return temporal(base === 'timestamp' && digits === size, (raw) => timestamp2Text(raw, size));
    case WireType.Time:
      return temporal(base === 'time', (raw) => (digits === 0 ? oldTimeText(raw) : hiresText('time', raw, digits)));
    case WireType.Datetime:
      return temporal(base === 'datetime', (raw) =>
        digits === 0 ? oldDatetimeText(raw) : hiresText('datetime', raw, digits),
      );
    case WireType.Timestamp:
      return temporal(base === 'timestamp', (raw) =>
        digits === 0 ? oldTimestampText(raw) : hiresText('timestamp', raw, digits),
      );
    case WireType.Bit:
      return when(fact.type === `bit(${size})`, (raw) => ({ kind: 'bit', bytes: raw }));
    case WireType.Enum:
    case WireType.Set:
      return membersDecoder(layout, fact) ?? misfit;
    case WireType.Geometry:
      return when(GEOMETRIES.test(fact.type), (raw) => ({ kind: 'geometry', bytes: raw }));
    case WireType.Json:
      return when(base === 'json', (raw) => ({ kind: 'json', ...jsonText(raw) }));
    default:
      return textDecoder(layout, fact) ?? misfit;
  }
}

function membersDecoder({ type }: ColumnLayout, fact: ColumnFact): ValueDecoder | undefined {
  const members =
    baseType(fact.type) === (type === WireType.Enum ? 'enum' : 'set') ? parseMembers(fact.type) : undefined;
  if (members === undefined) return undefined;
  if (type === WireType.Set) return (raw) => setValue(raw, members, fact);
  return (raw) => {
    const index = raw.readUIntLE(0, raw.length);
    const member = index === 0 ? '' : members[index - 1];
    if (member === undefined) return { kind: 'undecoded', why: `column ${fact.name} has no member ${index} now` };
    return { kind: 'enum', index, member };
  };
}

function setValue(raw: Buffer, members: readonly string[], fact: ColumnFact): CellValue {
  const bits = BigInt(`0x${Buffer.from(raw).reverse().toString('hex')}`);
  if (bits >> BigInt(members.length) !== 0n)
    return { kind: 'undecoded', why: `column ${fact.name} has only ${members.length} members now` };
  return { kind: 'set', bits, members: members.filter((_, index) => ((bits >> BigInt(index)) & 1n) === 1n) };
}

/** `int` of `int(11) unsigned`. */
const baseType = (type: string): string => /^\w*/.exec(type)?.[0].toLowerCase() ?? '';

/** 6 of `datetime(6)`, 0 of `datetime`. */
export const precisionOf = (type: string): number => Number(/^\w+\((\d)\)/.exec(type)?.[1] ?? 0);
