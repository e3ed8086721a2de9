const MASK = '***';

/** Where in `params` something stands: the keys from the top. */
export type ParamsPath = readonly string[];

/** More than one kind of credential in a task makes more than one Secret. */
const OWN_SUFFIXES = ['-headers', '-target', '-params'];

const SECRET_REFS: readonly ParamsPath[] = [['secret_ref'], ['headers_secret_ref'], ['target', 'secret_ref']];

/**
 * The params of a task as JSON text for its reader, keys sorted: `***` where the API took credentials out (`masked`, the
 * task's annotation), and without the names of the Secrets that it put them into.
 */
export function showParams(params: string, masked: string | undefined, taskName: string): string {
  if (params === '{}' && masked === undefined) return params;
  const shown = JSON.parse(params) as Record<string, unknown>;
  if (masked !== undefined) {
    for (const path of SECRET_REFS) removeOwnRef(shown, path, taskName);
    for (const path of parsePaths(masked)) mask(shown, path);
  }
  return JSON.stringify(sorted(shown));
}

/** Whether this is the name of a Secret that the API makes for this task. */
export function isOwnSecret(secretName: unknown, taskName: string): boolean {
  return (
    typeof secretName === 'string' &&
    (secretName === taskName || OWN_SUFFIXES.some((suffix) => secretName === taskName + suffix))
  );
}

function removeOwnRef(params: Record<string, unknown>, path: ParamsPath, taskName: string): void {
  const holder = path.length === 1 ? params : params[path[0] ?? ''];
  const key = path.at(-1) ?? '';
  if (isObject(holder) && isOwnSecret(holder[key], taskName)) delete holder[key];
}

function mask(params: Record<string, unknown>, path: ParamsPath): void {
  const [first = '', second] = path;
  if (second !== undefined) {
    const holder = isObject(params[first]) ? params[first] : {};
    params[first] = { ...holder, [second]: MASK };
  } else if (first === 'url' && typeof params['url'] === 'string') {
    params['url'] = params['url'].replace(/^[a-z][a-z0-9+.-]*:[/\\]*/i, (start) => `${start}${MASK}@`);
  } else params[first] = MASK;
}

/** The annotation may have been edited by hand: what is not a list of paths masks nothing. */
function parsePaths(text: string): ParamsPath[] {
  try {
    const paths: unknown = JSON.parse(text);
    if (!Array.isArray(paths)) return [];
    return paths.filter(
      (path): path is ParamsPath =>
        Array.isArray(path) && path.length > 0 && path.every((key) => typeof key === 'string'),
    );
  } catch {
    return [];
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.keys(value)
      .sort()
      .map((key) => [key, sorted(value[key])]),
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
