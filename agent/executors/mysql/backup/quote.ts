import { quoteName } from '../session/session.ts';

/** `` `schema`.`table` `` */
export const quoteTable = (schema: string, table: string): string => `${quoteName(schema)}.${quoteName(table)}`;

/** A text literal in utf8mb4, as hex: no sql_mode and no character set of a connection changes what it says. */
export const quoteText = (text: string): string => hexLiteral(Buffer.from(text, 'utf8'), 'utf8mb4');

/** Bytes as a literal; of a character set, else a binary string. */
export function hexLiteral(bytes: Buffer, charset?: string): string {
  // An introducer wants a string behind it, and `0x` without digits is a name.
  const digits = bytes.length === 0 ? `''` : `0x${bytes.toString('hex').toUpperCase()}`;
  return charset === undefined ? digits : `_${charset} ${digits}`;
}
