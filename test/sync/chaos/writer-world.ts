import type { RowKeyOptions, WireRow } from '../row-key.ts';
import type { Random } from './random.ts';

/** A place that writers change and a sync reads, one test's own. */
export interface WriterWorld {
  /** What the SyncSource says; with its login apart. */
  readonly source: {
    readonly driver: string;
    readonly uri: string;
    readonly driver_params?: Readonly<Record<string, unknown>>;
  };
  readonly login?: Readonly<Record<string, string>>;
  /** How the consumer tells rows apart, and their versions. */
  readonly rowKeys: RowKeyOptions;
  /** Makes one change, or a few in one transaction. Two writers may do so at once; each is one of `WRITERS`. */
  change(writer: number, random: Random): Promise<void>;
  /** What the consumer should have now: by its key, what `shown` makes of the row. */
  rows(): Promise<ReadonlyMap<string, string>>;
  /** The parts of a row that source and consumer must agree on. */
  shown(row: WireRow): string;
  close(): Promise<void>;
}

export const WRITERS = 8;
