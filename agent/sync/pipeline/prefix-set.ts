/** A set of strings that is asked whether one of them begins another string. Both add and ask take logarithmic time. */
export class PrefixSet {
  /** Sorted, and none begins another: so only the greatest that is not above a string can begin it. */
  readonly #sorted: string[] = [];

  get size(): number {
    return this.#sorted.length;
  }

  add(prefix: string): void {
    if (this.covers(prefix)) return;
    const at = this.#after(prefix);
    let covered = 0;
    while (this.#sorted[at + covered]?.startsWith(prefix)) covered += 1;
    this.#sorted.splice(at, covered, prefix);
  }

  /** Whether one of the set's strings begins `text`, or is it. */
  covers(text: string): boolean {
    const candidate = this.#sorted[this.#after(text) - 1];
    return candidate !== undefined && text.startsWith(candidate);
  }

  /** How many of the strings are not above `text`. */
  #after(text: string): number {
    let low = 0;
    let high = this.#sorted.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#sorted[middle] ?? '') <= text) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
