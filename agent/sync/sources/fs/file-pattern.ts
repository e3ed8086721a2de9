/** Which names are meant by a pattern of a shell, as Python's fnmatch has it: `*`, `?`, `[a-z]`, `[!a-z]`. */
export function compilePattern(pattern: string): (name: string) => boolean {
  if (pattern === '*') return () => true;
  let source = '';
  for (let at = 0; at < pattern.length; at += 1) {
    const char = pattern.charAt(at);
    const end = char === '[' ? pattern.indexOf(']', at + (pattern[at + 1] === '!' ? 3 : 2)) : -1;
    if (char === '*') source += '.*';
    else if (char === '?') source += '.';
    else if (end > 0) {
      const set = pattern.slice(at + 1, end);
      const inner = (set.startsWith('!') ? set.slice(1) : set).replaceAll(/[\\\]^[]/g, '\\$&');
      source += `[${set.startsWith('!') ? '^' : ''}${inner}]`;
      at = end;
    } else source += char.replaceAll(/[$()*+.?[\\\]^{|}/]/g, '\\$&');
  }
  const compiled = new RegExp(`^${source}$`, 'su');
  return (name) => compiled.test(name);
}
