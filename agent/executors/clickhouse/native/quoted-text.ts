/** A text as SQL writes it, which is also how ClickHouse shows it within arrays and tuples. */
export const quotedText = (text: string): string =>
  `'${text.replace(/[\b\f\n\r\t\0'\\]/g, (char) => ESCAPED[char] ?? char)}'`;

const ESCAPED: Readonly<Record<string, string>> = {
  '\b': '\\b',
  '\f': '\\f',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
  '\0': '\\0',
  "'": "\\'",
  '\\': '\\\\',
};
