/**
 * Compiles a pattern in RE2 syntax, which the real server uses, to a JavaScript RegExp of the same meaning.
 * Throws a SyntaxError when the pattern is invalid, or uses what only JavaScript knows (backreferences, lookaround).
 */
export function toRegExp(pattern: string): RegExp {
  const known = CACHE.get(pattern);
  if (known !== undefined) return known;
  const compiled = translate(pattern);
  // Patterns come from schemas and rules; those that a rule computes from data must not fill the memory.
  if (CACHE.size >= MAX_CACHED) CACHE.clear();
  CACHE.set(pattern, compiled);
  return compiled;
}

const CACHE = new Map<string, RegExp>();
const MAX_CACHED = 500;

const POSIX: Readonly<Record<string, string>> = {
  alnum: '0-9A-Za-z',
  alpha: 'A-Za-z',
  ascii: '\\x00-\\x7F',
  blank: '\\t ',
  cntrl: '\\x00-\\x1F\\x7F',
  digit: '0-9',
  graph: '!-~',
  lower: 'a-z',
  print: ' -~',
  punct: '!-\\/:-@\\[-`{-~',
  space: '\\t\\n\\v\\f\\r ',
  upper: 'A-Z',
  word: '0-9A-Za-z_',
  xdigit: '0-9A-Fa-f',
};

/** What the escapes stand for inside a class: RE2's are ASCII only. */
const CLASS_ESCAPES: Readonly<Record<string, string>> = { d: '0-9', w: '0-9A-Za-z_', s: '\\t\\n\\f\\r ' };
const NEEDS_ESCAPE = /[\^$\\.*+?()[\]{}|/-]/;

function translate(pattern: string): RegExp {
  let index = 0;
  let out = '';
  let flags = 'u';
  let inClass = false;

  // Flags for the whole pattern are the usual case; JavaScript has `(?i:…)` for the rest.
  const leading = /^\(\?([imsU]+)\)/.exec(pattern);
  if (leading?.[1] !== undefined) {
    if (leading[1].includes('U')) throw new SyntaxError(`flag U is not supported in pattern ${pattern}`);
    flags += leading[1];
    index = leading[0].length;
  }
  const fail = (what: string): never => {
    throw new SyntaxError(`error parsing regexp: ${what}`);
  };

  while (index < pattern.length) {
    const character = String.fromCodePoint(pattern.codePointAt(index) ?? 0);
    if (character === '\\') {
      const next = pattern[index + 1];
      if (next === undefined) fail('trailing backslash at end of expression: ``');
      const [text, length] = translateEscape(pattern, index, inClass, fail);
      out += text;
      index += length;
      continue;
    }
    if (inClass) {
      const posix = /^\[:(\^?)(\w+):\]/.exec(pattern.slice(index));
      if (posix !== null) {
        const set = POSIX[posix[2] ?? ''];
        if (set === undefined || posix[1] === '^') fail(`invalid character class range: \`${posix[0]}\``);
        out += set ?? '';
        index += posix[0].length;
        continue;
      }
      if (character === ']') inClass = false;
      out += character === '[' ? '\\[' : character;
      index += character.length;
      continue;
    }
    if (character === '[') {
      inClass = true;
      out += '[';
      index += 1;
      if (pattern[index] === '^') {
        out += '^';
        index += 1;
      }
      // A bracket that comes first stands for itself.
      if (pattern[index] === ']') {
        out += '\\]';
        index += 1;
      }
      continue;
    }
    if (character === '(' && pattern[index + 1] === '?') {
      const group = /^\(\?(?:P?<([A-Za-z_]\w*)>|([ims-]*):)/.exec(pattern.slice(index));
      if (group === null) return fail(`invalid or unsupported Perl syntax: \`${pattern.slice(index, index + 3)}\``);
      out += group[1] === undefined ? `(?${group[2] ?? ''}:` : `(?<${group[1]}>`;
      index += group[0].length;
      continue;
    }
    // A brace that does not begin a repetition stands for itself in RE2.
    if (character === '{' && !/^\{\d+(,\d*)?\}/.test(pattern.slice(index))) out += '\\{';
    else if (character === '}' && !/\{\d+(,\d*)?$/.test(out)) out += '\\}';
    else if (character === ']') out += '\\]';
    // `$` without the flag m is the end of the text in both; `.` differs: RE2's excludes only the newline.
    else if (character === '.' && !flags.includes('s')) out += '[^\\n]';
    else out += character;
    index += character.length;
  }
  if (inClass) fail(`missing closing ]: \`${pattern}\``);
  try {
    return new RegExp(out, flags);
  } catch (error) {
    return fail((error as Error).message);
  }
}

function translateEscape(
  pattern: string,
  index: number,
  inClass: boolean,
  fail: (what: string) => never,
): [text: string, length: number] {
  const rest = pattern.slice(index);
  const next = pattern[index + 1] ?? '';
  const set = CLASS_ESCAPES[next];
  if (set !== undefined) return [inClass ? set : `[${set}]`, 2];
  const negated = CLASS_ESCAPES[next.toLowerCase()];
  if (negated !== undefined && !inClass) return [`[^${negated}]`, 2];
  if (next === 'D' && inClass) return ['\\D', 2];
  if (next === 'W' && inClass) return ['\\W', 2];
  if (next === 'S' && inClass) return ['\\S', 2];
  if (next === 'A') return ['(?<![\\s\\S])', 2];
  if (next === 'z') return ['(?![\\s\\S])', 2];
  if (next === 'a') return ['\\x07', 2];
  const quoted = /^\\Q([\s\S]*?)(?:\\E|$)/.exec(rest);
  if (quoted !== null) return [(quoted[1] ?? '').replace(/[\^$\\.*+?()[\]{}|/]/g, '\\$&'), quoted[0].length];
  const hex = /^\\x(?:([0-9A-Fa-f]{2})|\{([0-9A-Fa-f]+)\})/.exec(rest);
  if (hex !== null) return [`\\u{${hex[1] ?? hex[2] ?? '0'}}`, hex[0].length];
  const property = /^\\([pP])(?:\{(\^?)([^}]+)\}|(\w))/.exec(rest);
  if (property !== null) {
    const negate = (property[1] === 'P') !== (property[2] === '^');
    return [unicodeClass(property[3] ?? property[4] ?? '', negate), property[0].length];
  }
  if ('bBfnrtv'.includes(next) && next !== '') return [`\\${next}`, 2];
  if (/[0-7]/.test(next)) {
    const octal = /^\\(0[0-7]{0,2}|[1-7][0-7]{1,2})/.exec(rest);
    if (octal === null) return fail(`invalid escape sequence: \`\\${next}\``);
    return [`\\u{${Number.parseInt(octal[1] ?? '0', 8).toString(16)}}`, octal[0].length];
  }
  if (/[A-Za-z0-9]/.test(next)) return fail(`invalid escape sequence: \`\\${next}\``);
  return [NEEDS_ESCAPE.test(next) ? (next === '-' && !inClass ? '-' : `\\${next}`) : next, 2];
}

/** General categories go under their own name, scripts under `Script=`. */
function unicodeClass(name: string, negate: boolean): string {
  const property = /^[A-Z][a-z]?$/.test(name) ? name : `Script=${name}`;
  return `\\${negate ? 'P' : 'p'}{${property}}`;
}
