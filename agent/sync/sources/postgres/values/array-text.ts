/**
 * An array as PostgreSQL writes it: `{1,NULL,"a,b"}`, nested for each dimension. Bounds that are not 1 (`[0:1]={…}`) are left out.
 * Throws for what is none.
 */
export function readArray(text: string, delimiter: string, element: (text: string) => unknown): unknown[] {
  let at = text.startsWith('[') ? text.indexOf('=') + 1 : 0;
  const fail = (): never => {
    throw new Error('a value of the server is no array as PostgreSQL writes them');
  };
  const quoted = (): unknown => {
    let value = '';
    for (at += 1; text[at] !== '"'; at += 1) {
      if (at >= text.length) fail();
      if (text[at] === '\\') at += 1;
      value += text[at] ?? '';
    }
    at += 1;
    return element(value);
  };
  const plain = (): unknown => {
    const from = at;
    while (at < text.length && text[at] !== delimiter && text[at] !== '}') at += 1;
    const value = text.slice(from, at);
    return value === 'NULL' ? null : element(value);
  };
  const array = (): unknown[] => {
    const values: unknown[] = [];
    at += 1;
    while (text[at] !== '}') {
      values.push(text[at] === '{' ? array() : text[at] === '"' ? quoted() : plain());
      if (text[at] === delimiter) at += 1;
      else if (text[at] !== '}') fail();
    }
    at += 1;
    return values;
  };
  if (text[at] !== '{') fail();
  const values = array();
  if (at !== text.length) fail();
  return values;
}
