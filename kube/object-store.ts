/** Puts an object under any number of values; objects are found again by each of them. */
export type Indexes<T> = Readonly<Record<string, (object: T) => readonly string[]>>;

interface Index<T> {
  readonly valuesOf: (object: T) => readonly string[];
  readonly byValue: Map<string, Map<string, T>>;
  /** Kept because the old object may no longer tell: it is not ours alone. */
  readonly byKey: Map<string, readonly string[]>;
}

/** Objects by key and by index. Holds the objects themselves, no copies. */
export class ObjectStore<T> {
  readonly #objects = new Map<string, T>();
  readonly #indexes = new Map<string, Index<T>>();
  readonly #onError: (err: unknown) => void;

  /** An object whose index function throws is not found by that index, and `onError` is told. */
  constructor(indexes: Indexes<T>, onError: (err: unknown) => void) {
    this.#onError = onError;
    for (const [name, valuesOf] of Object.entries(indexes)) {
      this.#indexes.set(name, { valuesOf, byValue: new Map(), byKey: new Map() });
    }
  }

  get size(): number {
    return this.#objects.size;
  }

  get(key: string): T | undefined {
    return this.#objects.get(key);
  }

  keys(): IterableIterator<string> {
    return this.#objects.keys();
  }

  values(): IterableIterator<T> {
    return this.#objects.values();
  }

  /** The objects under a value, in no particular order. Throws on the name of an index that was not declared. */
  byIndex(name: string, value: string): readonly T[] {
    const index = this.#indexes.get(name);
    if (index === undefined) throw new Error(`there is no index "${name}"`);
    const found = index.byValue.get(value);
    return found === undefined ? [] : [...found.values()];
  }

  set(key: string, object: T): void {
    this.#objects.set(key, object);
    for (const index of this.#indexes.values()) {
      const values = this.#valuesOf(index, object);
      for (const value of index.byKey.get(key) ?? []) if (!values.includes(value)) remove(index, value, key);
      for (const value of values) {
        const bucket = index.byValue.get(value);
        if (bucket === undefined) index.byValue.set(value, new Map([[key, object]]));
        else bucket.set(key, object);
      }
      if (values.length === 0) index.byKey.delete(key);
      else index.byKey.set(key, values);
    }
  }

  delete(key: string): void {
    this.#objects.delete(key);
    for (const index of this.#indexes.values()) {
      for (const value of index.byKey.get(key) ?? []) remove(index, value, key);
      index.byKey.delete(key);
    }
  }

  #valuesOf(index: Index<T>, object: T): readonly string[] {
    try {
      return index.valuesOf(object);
    } catch (err) {
      this.#onError(err);
      return [];
    }
  }
}

function remove<T>(index: Index<T>, value: string, key: string): void {
  const bucket = index.byValue.get(value);
  bucket?.delete(key);
  if (bucket?.size === 0) index.byValue.delete(value);
}
