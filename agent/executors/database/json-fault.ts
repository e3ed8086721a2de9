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
 * Finds the first place where a text is no JSON, or where an object has a name twice, of which `JSON.parse` would drop
 * the first: of `"filter": {"a": 1}, "filter": {}` the one that a person meant. Undefined when there is none. V8's own
 * message leaves the place out for some texts and quotes the text for others.
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

  /** The brackets that are open, and the names so far in those that are objects. */
  const open: ('{' | '[')[] = [];
  const names: Set<string>[] = [];
  let expects: 'value' | 'first' | 'key' | 'end' = 'value';
  for (;;) {
    skip(SPACE);
    if (expects === 'first') {
      if (take(open.at(-1) === '{' ? '}' : ']')) {
        if (open.pop() === '{') names.pop();
        expects = 'end';
        continue;
      }
      expects = open.at(-1) === '{' ? 'key' : 'value';
    }
    if (expects === 'key') {
      if (text[at] !== '"') return fault('expected a name in double quotes');
      const start = at;
      const problem = string();
      if (problem !== undefined) return fault(problem);
      const name = nameOf(text.slice(start, at));
      if (names.at(-1)?.has(name) === true) {
        at = start;
        return fault(`the name ${shown(name)} stands twice in one object`);
      }
      names.at(-1)?.add(name);
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
        names.push(new Set());
        expects = 'first';
      } else if (take('[')) {
        open.push('[');
        expects = 'first';
      } else if (!skip(WORD) && !skip(NUMBER)) return fault('expected a value');
    } else {
      const inside = open.at(-1);
      if (inside === undefined) return at === text.length ? undefined : fault('expected the end of the text');
      if (take(',')) expects = inside === '{' ? 'key' : 'value';
      else if (take(inside === '{' ? '}' : ']')) {
        if (open.pop() === '{') names.pop();
      } else return fault(`expected a comma or ${inside === '{' ? '}' : ']'}`);
    }
  }
}

/** What a name in quotes is: the same one may be written in several ways. */
const nameOf = (quoted: string): string =>
  quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);

const shown = (name: string): string => JSON.stringify(name.length > 64 ? `${name.slice(0, 64)}…` : name);
