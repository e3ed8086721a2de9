import { isObject } from './json-schema.ts';
import type { JsonObject } from './json-schema.ts';
import { childOf } from './structural.ts';
import type { SchemaNode } from './structural.ts';

/**
 * The old value that stands where a new one stands: what ratcheting (KEP-4008) and transition rules compare with.
 * Items of lists find theirs by the list's map keys; items of other lists have none.
 */
export class Correlation {
  readonly value: unknown;
  readonly old: unknown;
  readonly #node: SchemaNode;
  #equal: boolean | undefined;

  constructor(value: unknown, old: unknown, node: SchemaNode) {
    this.value = value;
    this.old = old;
    this.#node = node;
  }

  key(name: string): Correlation | undefined {
    if (!isObject(this.value) || !isObject(this.old)) return undefined;
    const value = this.value[name];
    const old = this.old[name];
    const child = childOf(this.#node, name);
    return value === undefined || old === undefined || child === undefined
      ? undefined
      : new Correlation(value, old, child);
  }

  index(index: number): Correlation | undefined {
    const { items } = this.#node;
    if (!Array.isArray(this.value) || !Array.isArray(this.old) || items === undefined) return undefined;
    const old = oldItem(this.#node, this.old, this.value[index]);
    return old === undefined ? undefined : new Correlation(this.value[index], old, items);
  }

  /** Whether nothing changed here; lists of type map may be in another order. */
  get unchanged(): boolean {
    return (this.#equal ??= equal(this.value, this.old, this.#node));
  }
}

/** The item of an old list of type map that has the keys of `item`. */
export function oldItem(node: SchemaNode, old: readonly unknown[] | undefined, item: unknown): JsonObject | undefined {
  if (node.listType !== 'map' || old === undefined || !isObject(item)) return undefined;
  return old.find((candidate): candidate is JsonObject => isObject(candidate) && sameKeys(node, candidate, item));
}

function sameKeys(node: SchemaNode, a: JsonObject, b: JsonObject): boolean {
  return node.listMapKeys.every((key) => (a[key] ?? defaultOf(node, key)) === (b[key] ?? defaultOf(node, key)));
}

const defaultOf = (node: SchemaNode, key: string): unknown => node.items?.properties.get(key)?.node.default;

/** Deep equality of JSON values. */
export function deepEqual(a: unknown, b: unknown): boolean {
  return equal(a, b, undefined);
}

function equal(a: unknown, b: unknown, node: SchemaNode | undefined): boolean {
  if (a === b) return true;
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false;
  if (Array.isArray(a)) {
    if (!Array.isArray(b) || a.length !== b.length) return false;
    if (node?.listType === 'map')
      return a.every((item) => {
        const old = oldItem(node, b, item);
        return old !== undefined && equal(item, old, node.items);
      });
    for (let index = 0; index < a.length; index += 1) if (!equal(a[index], b[index], node?.items)) return false;
    return true;
  }
  if (Array.isArray(b)) return false;
  const left = a as JsonObject;
  const right = b as JsonObject;
  let size = 0;
  for (const name in left) {
    if (!(name in right) || !equal(left[name], right[name], childOf(node, name))) return false;
    size += 1;
  }
  for (const _ in right) size -= 1;
  return size === 0;
}
