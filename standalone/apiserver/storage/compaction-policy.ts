/** One compaction drops at most this much, so that no batch of writes waits long for it. */
const MAX_STEP = 2_000;
/** Less is not worth a transaction of its own. */
const MIN_STEP = 500;
const SAMPLE_EVERY_MS = 10_000;

/** Decides how much history to keep: at most so many revisions, and none older than so long. */
export class CompactionPolicy {
  readonly #maxRevisions: number;
  readonly #maxAgeMs: number;
  /** Which revision was the newest at which time, oldest first. After a restart ages count afresh. */
  readonly #samples: { revision: number; at: number }[] = [];
  #compacted: number;

  constructor(compacted: number, maxRevisions: number, maxAgeMs: number) {
    this.#compacted = compacted;
    this.#maxRevisions = maxRevisions;
    this.#maxAgeMs = maxAgeMs;
  }

  /** Readers may not begin before this revision. */
  get compacted(): number {
    return this.#compacted;
  }

  /** The revision to compact to now, if it is worth it; `compacted` is that from then on. `now` in milliseconds. */
  advance(revision: number, now: number): number | undefined {
    const newest = this.#samples.at(-1);
    if (newest === undefined || now - newest.at >= SAMPLE_EVERY_MS) this.#samples.push({ revision, at: now });
    let aged = 0;
    while (this.#samples[0] !== undefined && now - this.#samples[0].at >= this.#maxAgeMs)
      aged = this.#samples.shift()?.revision ?? 0;
    const target = Math.max(aged, revision - this.#maxRevisions);
    const isAgeDue = aged > this.#compacted;
    if (target <= this.#compacted || (!isAgeDue && target - this.#compacted < MIN_STEP)) return undefined;
    this.#compacted = Math.min(target, this.#compacted + MAX_STEP);
    return this.#compacted;
  }
}
