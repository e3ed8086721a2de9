import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../snapshot.ts';
import type { Bucket } from './bucket.ts';
import { FIELDS, rowOf, TABLE } from './object-row.ts';
import type { Turns } from './turns.ts';

export interface BucketSnapshotOptions {
  readonly bucket: Bucket;
  readonly name: string;
  readonly turns: Turns;
  /** Takes down what is about to be shown. Returns the index of the last entry that the stream has made. */
  readonly show: (keys: readonly string[]) => number;
}

/** Lists a bucket once, in the order of its keys. */
export class BucketSnapshot implements SnapshotReader {
  readonly #options: BucketSnapshotOptions;

  constructor(options: BucketSnapshotOptions) {
    this.#options = options;
  }

  async next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    const { bucket, name, turns, show } = this.#options;
    const from = typeof after?.['key'] === 'string' ? { after: after['key'] } : {};
    return await turns.take(async () => {
      let page = await bucket.list(from, rows, signal);
      // A page may hold folders alone, which are not listed.
      while (page.objects.length === 0 && page.next !== undefined)
        page = await bucket.list({ next: page.next }, rows, signal);
      const { objects } = page;
      const last = objects.at(-1);
      if (last === undefined) return undefined;
      // A listing shows all that was written before it, so it saw what every earlier one has shown.
      const keys = objects.map(({ key }) => key);
      const seen = show(keys);
      return {
        event_schema: name,
        table: TABLE,
        fields: FIELDS,
        rows: objects.map(rowOf),
        keys,
        cursor: { key: last.key },
        progress: { tablesDone: 0, tablesTotal: 1 },
        sees: (transaction) => typeof transaction === 'number' && transaction <= seen,
        // What a stream tells later is newer: it takes turns with this.
        isCoveredBy: ({ at }) => typeof at === 'number' && at >= seen,
      };
    });
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}
