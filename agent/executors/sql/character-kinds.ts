import type { DialectRules } from './sql-dialect.ts';

/** What a character may begin outside quotes and comments. */
export const KIND = {
  other: 0,
  space: 1,
  word: 2,
  quote: 3,
  comment: 4,
  dollar: 5,
  open: 6,
  close: 7,
  backslash: 8,
} as const;

/** By character code below 128; all above belong to words. */
export function characterKinds(rules: DialectRules): Uint8Array {
  const kinds = new Uint8Array(128);
  const set = (characters: string, kind: number): void => {
    for (const character of characters) kinds[character.charCodeAt(0)] = kind;
  };
  for (let code = 0; code <= 32; code += 1) kinds[code] = KIND.space;
  set('abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_', KIND.word);
  set(rules.quotes, KIND.quote);
  set(rules.hashComment === undefined ? '-/' : '-/#', KIND.comment);
  if (rules.dollarQuotes) set('$', KIND.dollar);
  if (rules.brackets) {
    set('(', KIND.open);
    set(')', KIND.close);
  }
  if (rules.psql) set('\\', KIND.backslash);
  return kinds;
}

/** Tells by its code whether a character can go on a word. */
export function wordTest(rules: DialectRules): (code: number) => boolean {
  const table = new Uint8Array(128);
  for (let code = 0; code < 128; code += 1) {
    const character = String.fromCharCode(code);
    if (/\w/.test(character) || (character === '$' && rules.dollarInNames)) table[code] = 1;
  }
  return (code) => code > 127 || table[code] === 1;
}
