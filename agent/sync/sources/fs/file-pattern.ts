/** Which names are meant by a pattern of a shell, as Python's fnmatch has it: `*`, `?`, `[a-z]`, `[!a-z]`. */
export function compilePattern(pattern: string): (name: string) => boolean {
  if (pattern === '*') return () => true;
  /** What stands between the stars. */
  const parts: string[] = [];
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    const end = char === '[' ? pattern.indexOf(']', at + (pattern[at + 1] === '!' ? 3 : 2)) : -1;
    if (char === '*') {
      parts.push(source);
      source = '';
    } else if (char === '?') source += '.';
    else if (end > 0) {
      const set = pattern.slice(at + 1, end);
      const inner = (set.startsWith('!') ? set.slice(1) : set).replaceAll(/[\\\]^[]/g, '\\$&');
      source += `[${set.startsWith('!') ? '^' : ''}${inner}]`;
      at = end;
    } else source += char.replaceAll(/[$()*+.?[\\\]^{|}/]/g, '\\$&');
  }
  const [first = source, ...middle] = parts;
  // Each part where it is found first, which is never tried again: else a name could hold the thread for ever.
  const found = middle.filter((part) => part !== '').map((part, at) => `(?=(.*?${part}))\\${at + 1}`);
  const compiled = new RegExp(`^${first}${found.join('')}${parts.length === 0 ? '' : `.*${source}`}$`, 'su');
  return (name) => compiled.test(name);
}
