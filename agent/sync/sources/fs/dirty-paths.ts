import { MapQueue } from './map-queue.ts';

/** Why a path is to be looked at. */
export interface DirtyPath {
  readonly path: string;
  /** When that was first known, in epoch milliseconds. */
  readonly since: number;
  /** It was a folder that is gone: all below it is gone as well. */
  readonly tree: boolean;
}

/** Paths of which something may have to be told, oldest first, each once: what it is is seen when it is taken. */
export class DirtyPaths {
  readonly #paths = new MapQueue<{ readonly since: number; readonly tree: boolean }>();
  readonly #limit: number;

  /** `limit`: how many there may be before `isFull`. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#paths.size;
  }

  get isFull(): boolean {
    return this.#paths.size >= this.#limit;
  }

  add(path: string, since: number, tree = false): void {
    const known = this.#paths.get(path);
    if (known === undefined) this.#paths.set(path, { since, tree });
    else if (tree && !known.tree) this.#paths.set(path, { since: known.since, tree });
  }

  /** Puts paths that were taken before all others. */
  putBack(paths: readonly DirtyPath[]): void {
    if (paths.length === 0) return;
    const later = this.#paths.takeAll();
    for (const { path, since, tree } of paths) this.add(path, since, tree);
    for (const [path, { since, tree }] of later) this.add(path, since, tree);
  }

  /** Takes the oldest out. */
  take(): DirtyPath | undefined {
    const first = this.#paths.takeFirst();
    if (first === undefined) return undefined;
    const [path, { since, tree }] = first;
    return { path, since, tree };
  }

  /** Takes all out. */
  takeAll(): string[] {
    return this.#paths.takeAll().map(([path]) => path);
  }
}
