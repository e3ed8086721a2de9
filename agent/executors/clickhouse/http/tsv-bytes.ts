import { isUtf8 } from 'node:buffer';
import { bytesText } from '../bytes-text.ts';
import { quotedText } from '../native/quoted-text.ts';
import { unescapeTsv } from '../statement/delimited-text.ts';

const QUOTED = /'((?:[^'\\]|\\[^])*)'/g;

/**
 * A line of a TabSeparated format as text, fields still escaped. Values that are no UTF-8 become the text that shows
 * their bytes; in columns that are `nested` (arrays, tuples, maps) it stands in place of the element.
 */
export function lineText(line: Buffer, nested: readonly boolean[]): string {
  if (isUtf8(line)) return line.toString();
  // A character for each byte.
  const fields = line.toString('latin1').split('\t');
  return fields.map((field, i) => fieldText(field, nested[i] ?? false)).join('\t');
}

function fieldText(field: string, nested: boolean): string {
  const bytes = Buffer.from(field, 'latin1');
  if (isUtf8(bytes)) return bytes.toString();
  if (!nested) return escapeBackslash(valueText(field));
  const shown = field.replace(QUOTED, (_match, value: string) =>
    Buffer.from(quotedText(valueText(value))).toString('latin1'),
  );
  return Buffer.from(shown, 'latin1').toString();
}

const valueText = (escaped: string): string => bytesText(Buffer.from(unescapeTsv(escaped), 'latin1'));

const escapeBackslash = (text: string): string => text.replace('\\', '\\\\');
