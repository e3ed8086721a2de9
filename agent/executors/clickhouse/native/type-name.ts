/** A ClickHouse type as it is written: `Array(Nullable(Decimal(9, 2)))`, `Enum8('a' = 1)`, `DateTime('UTC')`. */
export interface TypeName {
  readonly name: string;
  /** What stands in the brackets: types, or text such as `9`, `'UTC'`, `'a' = 1`; for an element of a named tuple without its name. */
  readonly args: readonly string[];
}

/**
 * Takes a type apart, one level deep. Undefined when it is none.
 *
 * Quoted text is one with its backslashes; commas and brackets in it do not count.
 */
export function parseTypeName(text: string): TypeName | undefined {
  const head = /^\s*(\w+)\s*(\(|$)/.exec(text);
  if (head === null) return undefined;
  const name = head[1] ?? '';
  if (head[2] === '') return { name, args: [] };
  const args: string[] = [];
  let depth = 0;
  let start = head[0].length;
  for (let i = start; i < text.length; i += 1) {
    const char = text[i];
    if (char === "'" || char === '`') {
      i = endOfQuoted(text, i);
    } else if (char === '(') depth += 1;
    else if (char === ',' && depth === 0) {
      args.push(text.slice(start, i).trim());
      start = i + 1;
    } else if (char === ')') {
      depth -= 1;
      if (depth >= 0) continue;
      args.push(text.slice(start, i).trim());
      return text.slice(i + 1).trim() === '' && args.every((arg) => arg !== '') ? { name, args } : undefined;
    }
  }
  return undefined;
}

/** What a quoted text such as `'it\'s'` says; undefined when the text is not one. */
export function unquote(text: string): string | undefined {
  if (text.length < 2 || !text.startsWith("'") || endOfQuoted(text, 0) !== text.length - 1) return undefined;
  return text
    .slice(1, -1)
    .replace(/\\([^])|''/g, (_match, char: string | undefined) => (char === undefined ? "'" : (ESCAPES[char] ?? char)));
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '0': '\0' };

/** Where the quote that begins at `start` ends; the text's length when it does not. */
function endOfQuoted(text: string, start: number): number {
  const quote = text[start];
  for (let i = start + 1; i < text.length; i += 1) {
    if (text[i] === '\\') i += 1;
    else if (text[i] === quote) {
      if (text[i + 1] !== quote) return i;
      i += 1;
    }
  }
  return text.length;
}
