/** Measured durations in milliseconds. */
export class Samples {
  readonly #values: number[] = [];

  add(ms: number): void {
    this.#values.push(ms);
  }

  get count(): number {
    return this.#values.length;
  }

  /** `part`: 0.5 for the median. NaN when there is none. */
  percentile(part: number): number {
    const sorted = this.#values.toSorted((a, b) => a - b);
    return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? NaN;
  }
}

/** A measurement that takes longer than this ends early, with what it has done by then. */
const MAX_MS = 60_000;

/** Runs up to `count` times, `inFlight` at once, for a minute at most. Resolves to how often, and to the seconds it took. */
export async function repeat(
  count: number,
  inFlight: number,
  work: (i: number) => Promise<void>,
): Promise<{ done: number; seconds: number }> {
  let next = 0;
  const startedAt = performance.now();
  const worker = async (): Promise<void> => {
    while (next < count && performance.now() - startedAt < MAX_MS) await work(next++);
  };
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { done: next, seconds: (performance.now() - startedAt) / 1000 };
}
