/**
 * Paths of members that stand twice in one object of a JSON text, which parsers keep the last of. The text is known to
 * be valid JSON. Paths are as strict decoding words them: `spec.list[0].name`.
 */
export function duplicateFields(text: string): string[] {
  const found: string[] = [];
  const stack: { readonly path: string; readonly keys: Set<string> | undefined; index: number }[] = [];
  let path = '';
  for (let at = 0; at < text.length; at += 1) {
    const top = stack.at(-1);
    switch (text.charCodeAt(at)) {
      case 0x7b: // {
        stack.push({ path, keys: new Set(), index: 0 });
        break;
      case 0x5b: // [
        stack.push({ path, keys: undefined, index: 0 });
        path = `${path}[0]`;
        break;
      case 0x7d: // }
      case 0x5d: // ]
        path = stack.pop()?.path ?? '';
        break;
      case 0x2c: // ,
        if (top?.keys === undefined && top !== undefined) path = `${top.path}[${(top.index += 1)}]`;
        break;
      case 0x22: {
        const end = endOfString(text, at);
        const after = nextSolid(text, end);
        if (top?.keys !== undefined && text.charCodeAt(after) === 0x3a) {
          const key = JSON.parse(text.slice(at, end)) as string;
          path = top.path === '' ? key : `${top.path}.${key}`;
          if (top.keys.has(key) && !found.includes(path)) found.push(path);
          top.keys.add(key);
        }
        at = end - 1;
        break;
      }
    }
  }
  return found;
}

/** The position after the closing quote of the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end > 0) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === 0x5c) slashes += 1;
    if (slashes % 2 === 0) return end + 1;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}

function nextSolid(text: string, start: number): number {
  let at = start;
  while (text.charCodeAt(at) <= 0x20) at += 1;
  return at;
}
