import type { CellValue } from '../cell-value.ts';

/** SQL that stores the value, as the docstrings of `CellValue` say. */
export function writtenValue(value: CellValue): string {
  const hex = (bytes: Buffer): string => (bytes.length === 0 ? "''" : `0x${bytes.toString('hex')}`);
  switch (value?.kind) {
    case undefined:
      return 'NULL';
    case 'number':
    case 'float':
      return value.text;
    case 'text':
      return `_${value.charset} ${hex(value.bytes)}`;
    case 'bytes':
    case 'bit':
    case 'geometry':
      return hex(value.bytes);
    case 'temporal':
    case 'name':
      return `'${value.text}'`;
    case 'json':
      return value.sql ?? `_utf8mb4 ${hex(Buffer.from(value.text))}`;
    case 'enum':
      return String(value.index);
    case 'set':
      return String(value.bits);
    case 'undecoded':
      throw new Error(value.why);
  }
}
