/** Stands for all namespaces, also those that are still to come. */
export const ALL_NAMESPACES = '*';

/** Each namespace costs a watch per resource; whoever has more watches them all. */
export const MAX_NAMESPACES = 100;

const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** Reads names with commas between them, or `*`. Throws a RangeError that says what is wrong. */
export function parseNamespaces(text: string): readonly string[] {
  const names = [...new Set(text.split(',').map((name) => name.trim()))].filter((name) => name !== '');
  if (names.length === 0) throw new RangeError(`must name namespaces, or be ${ALL_NAMESPACES} for all`);
  if (names.length > MAX_NAMESPACES)
    throw new RangeError(`may name at most ${MAX_NAMESPACES} namespaces; ${ALL_NAMESPACES} watches all`);
  if (names.includes(ALL_NAMESPACES)) {
    if (names.length > 1) throw new RangeError(`${ALL_NAMESPACES} is all namespaces: name no others beside it`);
    return names;
  }
  const wrong = names.find((name) => !NAMESPACE.test(name));
  if (wrong !== undefined) throw new RangeError(`"${wrong}" is no name of a namespace`);
  return names;
}

/** What to give an informer as its `namespace`: the home namespace always belongs to what is watched. */
export function watchedNamespaces(namespaces: readonly string[], home: string): readonly string[] | undefined {
  return namespaces.includes(ALL_NAMESPACES) ? undefined : [...new Set([home, ...namespaces])];
}

/** What a program calls at the same time, and watches in the home namespace. */
const BASE_CONNECTIONS = 64;

/** Tasks, syncs, sources and pushers: a watch holds its connection. */
const WATCHES_PER_NAMESPACE = 4;

/** How many connections the transport of a program needs that watches these namespaces: calls must not wait for watches. */
export function connectionsFor(namespaces: readonly string[]): number {
  return BASE_CONNECTIONS + WATCHES_PER_NAMESPACE * (namespaces.length + 1);
}
