import type { CellValue } from '../../../../executors/mysql/binlog/cell-value.ts';
import type { ColumnFact } from '../../../../executors/mysql/binlog/column-fact.ts';
import type { TextDecoding } from './charset-decoder.ts';
import { documentJson, doubleJson, floatJson, integerJson } from './json-value.ts';
import { baseType } from './snapshot-column.ts';

/** Makes JSON of a value of the log. Throws an `Error` for what cannot be told. */
export type LoggedColumn = (cell: Exclude<CellValue, null>) => unknown;

/** As `snapshotColumn` makes it of what a SELECT shows of the same value. */
export function loggedColumn(fact: ColumnFact, decode: TextDecoding): LoggedColumn {
  const base = baseType(fact.type);
  const number = base === 'decimal' ? (digits: string): string => digits : integerJson;
  const float = base === 'float' ? floatJson : doubleJson;
  return (cell) => {
    switch (cell.kind) {
      case 'number':
        return number(cell.text);
      case 'float':
        return float(Number(cell.text));
      case 'text':
        return decode(cell.bytes, 0, cell.bytes.length);
      case 'bytes':
      case 'geometry':
        return cell.bytes.toString('base64');
      case 'temporal':
      case 'name':
        return cell.text;
      case 'json':
        return documentJson(cell.text);
      case 'bit':
        return integerJson(String(BigInt(`0x${cell.bytes.toString('hex')}`)));
      case 'enum':
        return cell.member;
      case 'set':
        return setText(cell.members);
      case 'undecoded':
        throw new Error(cell.why);
    }
  };
}

/** As the server writes it: with no comma behind empty members that are first. */
const setText = (members: readonly string[]): string =>
  members.reduce((text, member) => (text === '' ? member : `${text},${member}`), '');
