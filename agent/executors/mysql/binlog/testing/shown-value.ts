import type { CellValue } from '../cell-value.ts';
import type { TriedType } from './column-types.ts';

const SHOWN_BY: Readonly<Record<string, (column: string) => string>> = {
  number: (column) => `CAST(${column} AS CHAR)`,
  float: (column) => `CAST(${column} AS DOUBLE)`,
  temporal: (column) => `CAST(${column} AS CHAR)`,
  enum: (column) => `${column} + 0`,
  set: (column) => `CAST(${column} AS UNSIGNED)`,
  name: (column) => `CAST(${column} AS CHAR)`,
};

/** What makes the server show a value in the way in which `shownValue` does. */
export function shownBy({ kind, type }: TriedType, column: string): string {
  // The server would show 0 as 0000.
  if (type === 'year') return `${column} + 0`;
  return (SHOWN_BY[kind] ?? ((name: string) => `HEX(${name})`))(column);
}

export function shownValue(value: CellValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  switch (value.kind) {
    case 'float':
      return String(Number(value.text));
    case 'text':
    case 'bytes':
    case 'geometry':
      return value.bytes.toString('hex').toUpperCase();
    case 'bit':
      return value.bytes
        .toString('hex')
        .toUpperCase()
        .replace(/^0+(?=.)/, '');
    case 'enum':
      return String(value.index);
    case 'set':
      return String(value.bits);
    case 'undecoded':
      return value.why;
    default:
      return value.text;
  }
}

/** The server's text of a DOUBLE has other places for the same digits. */
export const normalised = ({ kind }: TriedType, text: string | null | undefined): string | null =>
  kind === 'float' && text !== null && text !== undefined ? String(Number(text)) : (text ?? null);
