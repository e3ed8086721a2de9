import { sleep } from '../../../../kube/backoff.ts';
import { IndexClock } from '../../bus/index-clock.ts';
import type { StreamStart } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { MAX_PAGE } from './bucket.ts';
import type { Bucket } from './bucket.ts';
import { BucketChanges } from './bucket-changes.ts';
import type { ListedRange } from './bucket-changes.ts';
import { ObjectIndex } from './object-index.ts';
import type { OssSettings } from './settings.ts';
import type { Turns } from './turns.ts';

export interface BucketStreamOptions {
  readonly bucket: Bucket;
  readonly settings: OssSettings;
  /** What the consumer knows is kept here. */
  readonly indexFile: string;
  /** Listings of streams and of snapshots take turns: what a snapshot's shows, no stream tells the past of later. */
  readonly turns: Turns;
}

/** Where a listing goes on. */
interface Place {
  readonly after: string;
  readonly next: string | undefined;
}

/** Lists a bucket again and again, and tells what has changed. */
export class BucketStream {
  readonly #options: BucketStreamOptions;
  readonly #start: StreamStart;
  #changes: BucketChanges | undefined;

  constructor(options: BucketStreamOptions, start: StreamStart) {
    this.#options = options;
    this.#start = start;
  }

  /** Of objects that a snapshot is about to show. Returns the index of the last entry made before; −1: there is none. */
  show(keys: readonly string[]): number {
    this.#changes?.show(keys);
    return this.#changes?.last ?? -1;
  }

  /** Ends when the signal aborts. Rejects with a `SourceError` or a `PositionLostError`. */
  async *entries(signal: AbortSignal): AsyncGenerator<readonly StreamEntry[], void> {
    const { indexFile, settings, bucket } = this.#options;
    const { checkpoint, afterIndex } = this.#start;
    const clock = new IndexClock(Math.max(checkpoint?.index ?? -1, afterIndex));
    const index =
      checkpoint === undefined
        ? ObjectIndex.create(indexFile, bucket.place, clock.last)
        : ObjectIndex.open(indexFile, bucket.place, checkpoint.position);
    try {
      const changes = new BucketChanges(index, clock, settings.bucket);
      this.#changes = changes;
      if (checkpoint === undefined) await this.#passOver(changes, signal);
      // A login that is refused must show before the stream stands.
      else await bucket.list({}, 1, signal);
      yield [changes.moved()];
      while (!signal.aborted) {
        for (let place: Place | undefined = FIRST; place !== undefined;) {
          const { entries, rest } = await this.#compare(changes, place, signal);
          if (entries.length > 0) yield entries;
          place = rest;
        }
        await sleep(settings.pollingMs, signal);
      }
    } finally {
      this.#changes = undefined;
      index.close();
    }
  }

  /** The consumer has everything up to a position, and a checkpoint holds it. */
  release({ at }: SourcePosition): void {
    if (typeof at === 'number') this.#changes?.settle(at);
  }

  /** What is there when the stream begins is no change. */
  async #passOver(changes: BucketChanges, signal: AbortSignal): Promise<void> {
    for (let place: Place | undefined = FIRST; place !== undefined;) {
      const { range, rest } = await this.#list(place, signal);
      changes.passOver(range);
      place = rest;
    }
  }

  async #compare(
    changes: BucketChanges,
    place: Place,
    signal: AbortSignal,
  ): Promise<{ entries: readonly StreamEntry[]; rest: Place | undefined }> {
    return await this.#options.turns.take(async () => {
      const { range, rest } = await this.#list(place, signal);
      signal.throwIfAborted();
      const { entries, upTo } = changes.differences(range);
      // Too many at once: the rest is listed anew.
      return { entries, rest: upTo === undefined || upTo === range.upTo ? rest : { after: upTo, next: undefined } };
    });
  }

  async #list({ after, next }: Place, signal: AbortSignal): Promise<{ range: ListedRange; rest: Place | undefined }> {
    const from = next === undefined ? { ...(after !== '' && { after }) } : { next };
    const { objects, next: token } = await this.#options.bucket.list(from, MAX_PAGE, signal);
    if (token === undefined) return { range: { after, upTo: undefined, objects }, rest: undefined };
    // A page of folders alone has no end that could be compared with.
    const upTo = objects.at(-1)?.key ?? after;
    return { range: { after, upTo, objects }, rest: { after: upTo, next: token } };
  }
}

const FIRST: Place = { after: '', next: undefined };
