import { hash } from 'node:crypto';
import type { CellValue } from '../binlog/cell-value.ts';
import type { ColumnFact } from '../binlog/column-fact.ts';
import { quoteName } from '../session/session.ts';
import { hexLiteral } from './quote.ts';

/** Longer values are compared by their digest, so that a statement does not hold both images of them. */
const MAX_COMPARED_BYTES = 64;

/** The SQL that stores this very value in the column; undefined where it is not known. */
export function sqlLiteral(value: CellValue): string | undefined {
  if (value === null) return 'NULL';
  switch (value.kind) {
    case 'number':
    case 'float':
      return value.text;
    case 'text':
      return hexLiteral(value.bytes, value.charset);
    case 'bytes':
    case 'geometry':
      return hexLiteral(value.bytes);
    case 'json':
      return value.sql ?? hexLiteral(Buffer.from(value.text, 'utf8'), 'utf8mb4');
    case 'temporal':
    case 'name':
      return `'${value.text}'`;
    case 'bit':
      return bitNumber(value.bytes);
    case 'enum':
      return String(value.index);
    case 'set':
      return String(value.bits);
    case 'undecoded':
      return undefined;
  }
}

/** A condition that finds the row by this column of its key, with the help of an index. */
export function keyCondition(column: ColumnFact, value: CellValue): string | undefined {
  const sql = sqlLiteral(value);
  if (sql === undefined || value === null) return undefined;
  return `${quoteName(column.name)}=${sql}`;
}

/** A condition that holds for this value alone, to the bit; undefined where it is not known. */
export function exactCondition(column: ColumnFact, value: CellValue): string | undefined {
  const name = quoteName(column.name);
  if (value === null) return `${name} IS NULL`;
  switch (value.kind) {
    case 'number':
      // YEAR would take a number below 100 for one of this century.
      return `${/^year/i.test(column.type) ? `${name}+0` : name}<=>${value.text}`;
    case 'float':
      return Number(value.text) === 0 ? zeroCondition(name, value.text) : `${name}<=>${value.text}`;
    case 'text':
      return bytesCondition(`CAST(${name} AS BINARY)`, value.bytes);
    case 'bytes':
      return bytesCondition(`CAST(${name} AS BINARY)`, value.bytes);
    case 'geometry':
      return bytesCondition(`CAST(${name} AS BINARY)`, value.bytes);
    case 'json':
      return bytesCondition(`CAST(CAST(${name} AS CHAR) AS BINARY)`, Buffer.from(value.text, 'utf8'));
    case 'temporal':
    case 'name':
      return `CAST(${name} AS CHAR)<=>'${value.text}'`;
    case 'bit':
      return `CAST(${name} AS UNSIGNED)<=>${bitNumber(value.bytes)}`;
    case 'enum':
      return `${name}+0<=>${value.index}`;
    case 'set':
      // Added to a number it would be a DOUBLE, which rounds sets of more than 53 members.
      return `CAST(${name} AS UNSIGNED)<=>${value.bits}`;
    case 'undecoded':
      return undefined;
  }
}

function bytesCondition(expression: string, bytes: Buffer): string {
  if (bytes.length <= MAX_COMPARED_BYTES) return `${expression}<=>${hexLiteral(bytes)}`;
  return `SHA2(${expression},256)<=>'${sha256(bytes)}'`;
}

/** Zero and minus zero are equal, and two rows that are not the same may differ in nothing else. */
const zeroCondition = (name: string, text: string): string =>
  `${name}=0 AND CAST(${name} AS CHAR) ${text.startsWith('-') ? '' : 'NOT '}LIKE '-%'`;

const bitNumber = (bytes: Buffer): string => String(bytes.length === 0 ? 0 : BigInt(`0x${bytes.toString('hex')}`));

const sha256 = (bytes: Buffer): string => hash('sha256', bytes);
