import type { DirtyPath } from './dirty-paths.ts';
import type { FileIndex } from './file-index.ts';
import type { FileVersion } from './file-version.ts';

/** What was told of a path last; `version` is undefined when it was told that it is gone. */
interface Telling {
  readonly entry: number;
  readonly dirty: DirtyPath;
  readonly version: FileVersion | undefined;
}

/**
 * Paths of which was told, until the consumer surely knows. Those that are forgotten when there are too many stay uncertain in
 * the index: they are told of once more after the next start, no more.
 */
export class Unsettled {
  /** In the order of the entries. */
  readonly #tellings = new Map<string, Telling>();
  readonly #index: FileIndex;
  readonly #limit: number;

  constructor(index: FileIndex, limit: number) {
    this.#index = index;
    this.#limit = limit;
  }

  get size(): number {
    return this.#tellings.size;
  }

  /** `committed`: what the consumer is known to have, up to which paths may be forgotten. */
  add(telling: Telling, committed: number): void {
    const { path } = telling.dirty;
    this.#tellings.delete(path);
    this.#tellings.set(path, telling);
    if (this.#tellings.size <= this.#limit) return;
    // Half of them at once: a map is slow to find its first entry again and again.
    for (const [oldest, { entry }] of this.#tellings) {
      if (entry > committed || this.#tellings.size <= this.#limit / 2) break;
      this.#tellings.delete(oldest);
    }
  }

  /** A snapshot may tell that the path is there: that it was told to be gone does not settle it any more. */
  revive(path: string): void {
    const telling = this.#tellings.get(path);
    if (telling !== undefined && telling.version === undefined) this.#tellings.delete(path);
  }

  /** The consumer surely has what was told up to this entry. */
  settle(entry: number): void {
    let last = -1;
    for (const [path, telling] of this.#tellings) {
      if (telling.entry > entry) break;
      this.#tellings.delete(path);
      if (telling.version === undefined) this.#index.remove(path);
      else this.#index.put(path, telling.version);
      last = telling.entry;
    }
    if (last >= 0) this.#index.setTold(last);
    this.#index.commit();
  }

  /** Takes out what was told after this entry, oldest first. */
  takeAfter(entry: number): DirtyPath[] {
    const taken: DirtyPath[] = [];
    for (const [path, telling] of this.#tellings) {
      if (telling.entry <= entry) continue;
      this.#tellings.delete(path);
      taken.push(telling.dirty);
    }
    return taken;
  }
}
