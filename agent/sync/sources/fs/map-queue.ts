/**
 * A map whose oldest entry can be taken out in constant time. An iterator that is kept does what a new one cannot: begin behind
 * the places that deleted entries leave until the map is built anew.
 */
export class MapQueue<V> {
  readonly #entries = new Map<string, V>();
  #iterator = this.#entries.entries();

  get size(): number {
    return this.#entries.size;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  /** A key that is there keeps its place. */
  set(key: string, value: V): void {
    this.#entries.set(key, value);
  }

  takeFirst(): [string, V] | undefined {
    if (this.#entries.size === 0) return undefined;
    let next = this.#iterator.next();
    if (next.done === true) {
      // It had come to the end before the entries of now were set.
      this.#iterator = this.#entries.entries();
      next = this.#iterator.next();
    }
    if (next.done === true) return undefined;
    this.#entries.delete(next.value[0]);
    return next.value;
  }

  takeAll(): [string, V][] {
    const all = [...this.#entries];
    this.#entries.clear();
    this.#iterator = this.#entries.entries();
    return all;
  }
}
