import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import { quoteName } from '../../../../executors/mysql/session/session.ts';
import type { Reader } from '../../../../executors/mysql/session/query-command.ts';
import { documentJson, doubleJson, floatJson, integerJson } from './json-value.ts';

/** How a column is asked for, and how JSON is made of the answer. */
export interface SnapshotColumn {
  readonly expression: string;
  readonly read: Reader;
}

const ascii: Reader<string> = (buffer, from, to) => buffer.toString('latin1', from, to);
const utf8: Reader<string> = (buffer, from, to) => buffer.toString('utf8', from, to);
const base64: Reader<string> = (buffer, from, to) => buffer.toString('base64', from, to);
const json: Reader = (buffer, from, to) => documentJson(buffer.toString('utf8', from, to));

const ZERO = 0x30;
const MINUS = 0x2d;
/** So many digits always are a safe integer. */
const SAFE_DIGITS = 15;

const integer: Reader<number | string> = (buffer, from, to) => {
  if (to - from > SAFE_DIGITS) return integerJson(unpadded(buffer.toString('latin1', from, to)));
  const negative = buffer[from] === MINUS;
  let value = 0;
  for (let at = negative ? from + 1 : from; at < to; at += 1) value = value * 10 + ((buffer[at] ?? ZERO) - ZERO);
  return negative ? -value : value;
};
const paddedDecimal: Reader<string> = (buffer, from, to) => unpadded(buffer.toString('latin1', from, to));
const float: Reader<number> = (buffer, from, to) => floatJson(Number(buffer.toString('latin1', from, to)));
const double: Reader<number> = (buffer, from, to) => doubleJson(Number(buffer.toString('latin1', from, to)));

/** Without the zeros of ZEROFILL. */
const unpadded = (digits: string): string => digits.replace(/^0+(?=\d)/, '');

const READERS: Readonly<Record<string, Reader>> = {
  ...each(['tinyint', 'smallint', 'mediumint', 'int', 'bigint', 'year', 'bit'], integer),
  ...each(['float'], float),
  ...each(['double'], double),
  ...each(['decimal', 'date', 'time', 'datetime', 'timestamp'], ascii),
  ...each(['char', 'varchar', 'tinytext', 'text', 'mediumtext', 'longtext', 'enum', 'set'], utf8),
  ...each(['uuid', 'inet4', 'inet6'], ascii),
  ...each(['binary', 'varbinary', 'tinyblob', 'blob', 'mediumblob', 'longblob', 'vector'], base64),
  ...each(['geometry', 'point', 'linestring', 'polygon', 'geometrycollection', 'geomcollection'], base64),
  ...each(['multipoint', 'multilinestring', 'multipolygon'], base64),
  json,
};
/** The text of a FLOAT has six digits, and of a BIT the bytes. */
const AS_NUMBER: Readonly<Record<string, string>> = { float: '0e0', double: '0e0', bit: '0' };

/** Undefined: the type is none that we know. For a session in UTC with an empty sql_mode that gets text in UTF-8. */
export function snapshotColumn(fact: ColumnFact): SnapshotColumn | undefined {
  const base = baseType(fact.type);
  const read = base === 'decimal' && /zerofill/i.test(fact.type) ? paddedDecimal : READERS[base];
  if (read === undefined) return undefined;
  const name = quoteName(fact.name);
  const added = AS_NUMBER[base];
  return { expression: added === undefined ? name : `${name} + ${added}`, read };
}

/** `int` of `int(11) unsigned`. */
export const baseType = (type: string): string => /^\w*/.exec(type)?.[0].toLowerCase() ?? '';

function each(types: readonly string[], read: Reader): Record<string, Reader> {
  return Object.fromEntries(types.map((type) => [type, read]));
}
