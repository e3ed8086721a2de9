/** How much of the disk all spooled streams may take together. */
export class SpoolSpace {
  readonly limit: number;
  readonly #freeBytes: () => number;
  #used = 0;

  /** `limit` in bytes. `freeBytes` tells how much may be written to the disk. */
  constructor(limit: number, freeBytes: () => number) {
    this.limit = limit;
    this.#freeBytes = freeBytes;
  }

  get used(): number {
    return this.#used;
  }

  /** Takes room; when there is not enough nothing is taken, and why is returned. */
  take(bytes: number): string | undefined {
    if (this.#used + bytes > this.limit)
      return `output is not kept beyond ${this.limit} bytes that wait for their upload (spool limit)`;
    if (bytes > this.#freeBytes()) return "output is not kept any more: the agent's disk is almost full";
    this.#used += bytes;
    return undefined;
  }

  /** Counts bytes that are on the disk already. */
  add(bytes: number): void {
    this.#used += bytes;
  }

  give(bytes: number): void {
    this.#used -= bytes;
  }
}
