import type { Literal } from '../native/literal.ts';
import { StatementError } from './tokens.ts';

const NULL: Literal = { kind: 'null' };

/** The records of a CSV text as ClickHouse writes it: quotes of either kind, doubled inside; \N is NULL. */
export function* csvRecords(text: string): Generator<readonly Literal[]> {
  let at = 0;
  while (at < text.length) {
    const record: Literal[] = [];
    for (;;) {
      const field = csvField(text, at);
      record.push(field.literal);
      at = field.end + 1;
      if (text[field.end] !== ',') break;
    }
    if (text[at - 1] === '\r' && text[at] === '\n') at += 1;
    const [only] = record;
    // An empty line at the end is no record.
    if (record.length === 1 && only?.kind === 'string' && only.value === '' && at >= text.length) return;
    yield record;
  }
}

/** `end` is where the separator stands. */
function csvField(text: string, from: number): { literal: Literal; end: number } {
  let at = from;
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  const quote = text[at];
  if (quote !== '"' && quote !== "'") {
    const end = endOf(/[,\r\n]/g, text, at);
    const value = text.slice(at, end).trimEnd();
    return { literal: value === '\\N' ? NULL : { kind: 'string', value }, end };
  }
  let value = '';
  for (;;) {
    const close = text.indexOf(quote, at + 1);
    if (close < 0) throw new StatementError(`a quote does not end: ${JSON.stringify(text.slice(from, from + 40))}`);
    value += text.slice(at + 1, close);
    at = close + 1;
    if (text[at] !== quote) break;
    value += quote;
  }
  while (text[at] === ' ' || text[at] === '\t') at += 1;
  if (at < text.length && !/[,\r\n]/.test(text[at] ?? ''))
    throw new StatementError(`a comma is missing after a quote: ${JSON.stringify(text.slice(from, from + 40))}`);
  return { literal: { kind: 'string', value }, end: at };
}

/** The records of a TabSeparated text; \N is NULL. */
export function* tsvRecords(text: string): Generator<readonly Literal[]> {
  for (let at = 0; at < text.length;) {
    const end = endOf(/\n/g, text, at);
    const line = text.slice(at, text[end - 1] === '\r' ? end - 1 : end);
    at = end + 1;
    if (line === '' && at >= text.length) return;
    yield line.split('\t').map((field) => (field === '\\N' ? NULL : { kind: 'string', value: unescapeTsv(field) }));
  }
}

/** A field of ClickHouse's TabSeparated formats. */
export function unescapeTsv(field: string): string {
  return field.includes('\\') ? field.replace(/\\([^])/g, (_match, char: string) => ESCAPES[char] ?? char) : field;
}

const ESCAPES: Readonly<Record<string, string>> = { b: '\b', f: '\f', n: '\n', r: '\r', t: '\t', '0': '\0' };

function endOf(pattern: RegExp, text: string, from: number): number {
  pattern.lastIndex = from;
  return pattern.exec(text)?.index ?? text.length;
}
