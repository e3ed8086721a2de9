const ESCAPES: Readonly<Record<string, string>> = { '0': '\0', n: '\n', r: '\r' };
const MEMBER = /'((?:[^'\\]|''|\\.)*)'(,|$)/gsy;

/** The members in `enum('a','it''s')` or `set(…)`; undefined when the text is none of these. */
export function parseMembers(type: string): readonly string[] | undefined {
  const list = /^(?:enum|set)\((.*)\)/is.exec(type)?.[1];
  if (list === undefined) return undefined;
  const members: string[] = [];
  let end = 0;
  for (const [whole, text = ''] of list.matchAll(MEMBER)) {
    members.push(text.replace(/''|\\(.)/gs, (pair, escaped?: string) => unescaped(pair, escaped)));
    end += whole.length;
  }
  return end === list.length ? members : undefined;
}

function unescaped(pair: string, escaped: string | undefined): string {
  if (pair === "''") return "'";
  return escaped === undefined ? pair : (ESCAPES[escaped] ?? escaped);
}
