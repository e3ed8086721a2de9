/** Escapes that mean the same in every version of ClickHouse. */
const ESCAPES: Readonly<Record<string, string>> = {
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  '0': '\0',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '`': '`',
  '/': '/',
};

/**
 * What stands between the quotes of a string, with its escapes resolved. Undefined when only the server can tell: bytes
 * that are no UTF-8 text, and escapes that versions read differently.
 */
export function readString(inner: string): string | undefined {
  if (!inner.includes('\\')) return inner.replaceAll("''", "'");
  let known = true;
  const value = inner.replace(/''|\\(x[\da-f]{2}|[^])/gi, (_match, escaped: string | undefined) => {
    if (escaped === undefined) return "'";
    const code = escaped.length === 3 ? parseInt(escaped.slice(1), 16) : undefined;
    const char = code === undefined ? ESCAPES[escaped] : code < 0x80 ? String.fromCharCode(code) : undefined;
    if (char === undefined) known = false;
    return char ?? '';
  });
  return known ? value : undefined;
}
