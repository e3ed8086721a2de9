/** A route that a request is for. */
export interface RouteMatch<T> {
  readonly value: T;
  readonly params: Readonly<Record<string, string>>;
}

interface Route<T> {
  readonly method: string;
  readonly parts: readonly string[];
  readonly value: T;
}

/**
 * Finds routes by method and path as express does: literal parts in any case, one slash more at the end, parameters
 * decoded. Where several match, that with the longest literal beginning.
 */
export class RouteTable<T> {
  readonly #byLength = new Map<number, Route<T>[]>();

  /** Routes as `GET /tasks/{id}`. */
  constructor(routes: Readonly<Record<string, T>>) {
    for (const [route, value] of Object.entries(routes)) {
      const [method = '', path = ''] = route.split(' ');
      const parts = path.split('/');
      this.#byLength.set(parts.length, [...(this.#byLength.get(parts.length) ?? []), { method, parts, value }]);
    }
    // A literal part before a parameter, from the left on.
    for (const known of this.#byLength.values()) known.sort((a, b) => rank(a.parts).localeCompare(rank(b.parts), 'en'));
  }

  /** HEAD is GET. Throws `URIError` when the path holds broken percent-encoding. */
  find(method: string, path: string): RouteMatch<T> | undefined {
    const parts = partsOf(path);
    const asked = method === 'HEAD' ? 'GET' : method;
    const route = this.#routes(parts).find((one) => one.method === asked);
    if (route === undefined) return undefined;
    const params = route.parts.flatMap((part, index) =>
      isParam(part) ? [[part.slice(1, -1), decodeURIComponent(parts[index] ?? '')] as const] : [],
    );
    return { value: route.value, params: Object.fromEntries(params) };
  }

  /** The methods that the path has. */
  methods(path: string): string[] {
    return [...new Set(this.#routes(partsOf(path)).map(({ method }) => method))];
  }

  #routes(parts: readonly string[]): Route<T>[] {
    return (this.#byLength.get(parts.length) ?? []).filter((route) =>
      route.parts.every((part, index) => {
        const asked = parts[index] ?? '';
        return isParam(part) ? asked !== '' : part === asked.toLowerCase();
      }),
    );
  }
}

const isParam = (part: string): boolean => part.startsWith('{');

/** Sorts literals first: `0` before `1`. */
const rank = (parts: readonly string[]): string => parts.map((part) => (isParam(part) ? '1' : '0')).join('');

function partsOf(path: string): string[] {
  const parts = path.split('/');
  if (parts.length > 2 && parts.at(-1) === '') parts.pop();
  return parts;
}
