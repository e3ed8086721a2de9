/** Where a text stops being JSON. */
export interface JsonFault {
  /** In UTF-16 code units, from 0. */
  readonly offset: number;
  /** From 1. */
  readonly line: number;
  /** From 1. */
  readonly column: number;
  /** What is wrong there, without anything of the text: it may hold secrets. */
  readonly problem: string;
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /true|false|null/y;
const SPACE = /[ \t\r\n]*/y;

/**
 * Finds the first place where a text is no JSON; undefined when it is. V8's own message leaves the place out for some
 * texts and quotes the text for others.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  let at = 0;
  const fault = (problem: string): JsonFault => {
    const before = text.slice(0, at).split('\n');
    const found = at >= text.length ? 'the text ends too early' : problem;
    return { offset: at, line: before.length, column: (before.at(-1)?.length ?? 0) + 1, problem: found };
  };
  const skip = (pattern: RegExp): boolean => {
    pattern.lastIndex = at;
    const matched = pattern.test(text);
    if (matched) at = pattern.lastIndex;
    return matched;
  };
  const take = (character: string): boolean => {
    if (text[at] !== character) return false;
    at += 1;
    return true;
  };
  /** What is wrong with the string that begins here; `at` is then where. */
  const string = (): string | undefined => {
    for (at += 1; at < text.length; at += 1) {
      const code = text.charCodeAt(at);
      if (code === 0x22) {
        at += 1;
        return undefined;
      }
      if (code < 0x20) return 'a string may not hold control characters or line breaks';
      if (code !== 0x5c) continue;
      const escape = /^(?:["\\/bfnrt]|u[0-9a-fA-F]{4})/.exec(text.slice(at + 1, at + 6));
      if (escape === null) return 'unknown escape sequence in a string';
      at += escape[0].length;
    }
    return 'a string does not end';
  };

  /** The brackets that are open. */
  const open: ('{' | '[')[] = [];
  let expects: 'value' | 'first' | 'key' | 'end' = 'value';
  for (;;) {
    skip(SPACE);
    if (expects === 'first') {
      if (take(open.at(-1) === '{' ? '}' : ']')) {
        open.pop();
        expects = 'end';
        continue;
      }
      expects = open.at(-1) === '{' ? 'key' : 'value';
    }
    if (expects === 'key') {
      if (text[at] !== '"') return fault('expected a name in double quotes');
      const problem = string();
      if (problem !== undefined) return fault(problem);
      skip(SPACE);
      if (!take(':')) return fault('expected a colon');
      expects = 'value';
    } else if (expects === 'value') {
      expects = 'end';
      if (text[at] === '"') {
        const problem = string();
        if (problem !== undefined) return fault(problem);
      } else if (take('{')) {
        open.push('{');
        expects = 'first';
      } else if (take('[')) {
        open.push('[');
        expects = 'first';
      } else if (!skip(WORD) && !skip(NUMBER)) return fault('expected a value');
    } else {
      const inside = open.at(-1);
      if (inside === undefined) return at === text.length ? undefined : fault('expected the end of the text');
      if (take(',')) expects = inside === '{' ? 'key' : 'value';
      else if (take(inside === '{' ? '}' : ']')) open.pop();
      else return fault(`expected a comma or ${inside === '{' ? '}' : ']'}`);
    }
  }
}
