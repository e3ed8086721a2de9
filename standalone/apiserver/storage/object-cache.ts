import type { StoredObject } from './stored-object.ts';

/** Durable objects that were used last, bounded by the length of their texts. */
export class ObjectCache {
  readonly #maxBytes: number;
  readonly #objects = new Map<string, StoredObject>();
  #bytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  get(key: string): StoredObject | undefined {
    const stored = this.#objects.get(key);
    if (stored !== undefined) {
      this.#objects.delete(key);
      this.#objects.set(key, stored);
    }
    return stored;
  }

  set(stored: StoredObject): void {
    this.delete(stored.key);
    this.#objects.set(stored.key, stored);
    this.#bytes += stored.text.length;
    for (const oldest of this.#objects.values()) {
      if (this.#bytes <= this.#maxBytes) break;
      this.delete(oldest.key);
    }
  }

  delete(key: string): void {
    const stored = this.#objects.get(key);
    if (stored === undefined) return;
    this.#objects.delete(key);
    this.#bytes -= stored.text.length;
  }

  clear(): void {
    this.#objects.clear();
    this.#bytes = 0;
  }
}
