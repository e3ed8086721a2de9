import { hexLiteral, quoteText } from '../../../../executors/mysql/backup/quote.ts';
import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import { parseMembers } from '../../../../executors/mysql/binlog/rows/values/members.ts';
import { quoteName } from '../../../../executors/mysql/session/session.ts';
import { PositionLostError } from '../../../source.ts';
import { baseType } from '../values/snapshot-column.ts';

/** A value of a key as a cursor keeps it. */
export type KeyValue = number | string;

const BYTES = /^(?:binary|varbinary|(?:tiny|medium|long)?blob)$/;
const NUMBERS = /^(?:(?:tiny|small|medium|big)?int|decimal|float|double|bit|year|enum|set)$/;
const NUMBER = /^-?\d+(?:\.\d+)?(?:e[+-]?\d+)?$/i;

/** ENUM and SET are ordered by their numbers, which rows do not show. */
export const isOrderedByNumber = ({ type }: ColumnFact): boolean => /^(?:enum|set)$/.test(baseType(type));

/** The server compares these numbers as doubles. */
const MAX_MEMBERS = 52;

/** Whether rows can be asked for behind a value. */
export const isComparable = ({ type }: ColumnFact): boolean =>
  baseType(type) !== 'set' || (parseMembers(type)?.length ?? 0) <= MAX_MEMBERS;

/** SQL that is compared with the column. Throws when the cursor holds what no such column has. */
function keyLiteral(fact: ColumnFact, value: unknown): string {
  const base = baseType(fact.type);
  if (NUMBERS.test(base)) {
    // Shown short, it would be another value than the column's.
    const digits = base === 'float' ? String(Math.fround(Number(value))) : String(value);
    if (NUMBER.test(digits)) return digits;
  } else if (typeof value === 'string')
    return BYTES.test(base) ? hexLiteral(Buffer.from(value, 'base64')) : quoteText(value);
  throw new PositionLostError(`the snapshot's cursor is none of the column ${fact.name}`);
}

/** What stands behind these values in the order of the columns, so that the key's index serves. */
export function behind(key: readonly ColumnFact[], values: readonly unknown[]): string {
  const conditions = key.map((fact, index) => ({
    name: quoteName(fact.name),
    literal: keyLiteral(fact, values[index]),
  }));
  const [first] = conditions;
  if (first === undefined || values.length !== key.length)
    throw new PositionLostError("the snapshot's cursor is of another key");
  const nested = conditions.reduceRight(
    (inner, { name, literal }) =>
      inner === '' ? `${name} > ${literal}` : `(${name} > ${literal} OR (${name} = ${literal} AND ${inner}))`,
    '',
  );
  return conditions.length === 1 ? nested : `${first.name} >= ${first.literal} AND ${nested}`;
}
