/** Which entry of an archive a task means: the index in `names`, or why there is none. */
export function chooseEntry(
  names: readonly string[],
  wanted: string | undefined,
  extensions: readonly string[],
): number | string {
  const all = [...names.keys()].filter((index) => isFile(names[index] ?? ''));
  if (wanted !== undefined) {
    const whole = all.filter((index) => names[index] === wanted);
    const found = whole.length > 0 ? whole : all.filter((index) => baseName(names[index] ?? '') === wanted);
    if (found.length === 0) return `file '${wanted}' not found in zip`;
    // The wrong one of two scripts may destroy a database.
    if (found.length > 1) return `file '${wanted}' is ${found.length} times in the zip: ${list(found, names)}`;
    return found[0] ?? 0;
  }
  const fitting = all
    .filter((index) => !isNoise(names[index] ?? '') && hasExtension(names[index] ?? '', extensions))
    .sort((a, b) => compare(names[a] ?? '', names[b] ?? ''));
  const [first, second] = fitting;
  if (first === undefined) return `no ${extensions.join(' or ')} file found in zip`;
  if (second !== undefined && names[first] === names[second])
    return `file '${names[first] ?? ''}' is more than once in the zip`;
  return first;
}

const isFile = (name: string): boolean => !name.endsWith('/');

const baseName = (name: string): string => name.slice(name.lastIndexOf('/') + 1);

const hasExtension = (name: string, extensions: readonly string[]): boolean =>
  extensions.some((extension) => name.toLowerCase().endsWith(extension));

/** What macOS adds to archives bears the names of the files that it goes with. */
const isNoise = (name: string): boolean => name.startsWith('__MACOSX/') || baseName(name).startsWith('._');

const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0);

const MAX_LISTED = 5;

const list = (indices: readonly number[], names: readonly string[]): string =>
  `${indices
    .slice(0, MAX_LISTED)
    .map((index) => names[index] ?? '')
    .join(', ')}${indices.length > MAX_LISTED ? ', …' : ''}; give its full name`;
