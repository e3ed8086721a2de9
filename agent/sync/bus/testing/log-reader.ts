import type { Subscription } from '../../event-bus.ts';
import type { StreamEntry } from '../../stream-entry.ts';

/** Reads a subscription and notes which items it was given. */
export class LogReader {
  readonly subscription: Subscription;
  /** Items of the log, in the order in which they were committed. */
  readonly items: number[] = [];
  readonly entries: StreamEntry[] = [];

  constructor(subscription: Subscription) {
    this.subscription = subscription;
  }

  /** One read, waiting no longer than needed to look at the bus. */
  async read(rows = 10, waitMs = 1000): Promise<readonly StreamEntry[]> {
    return await this.subscription.read(rows, waitMs, new AbortController().signal);
  }

  /** The consumer has them. */
  commit(entries: readonly StreamEntry[]): void {
    for (const entry of entries) {
      this.entries.push(entry);
      if (entry.event !== undefined) this.items.push(...entry.event.rows.map((row) => Number(row['at'])));
    }
    const last = entries.at(-1);
    if (last !== undefined) this.subscription.commit(last);
  }

  /** Reads and commits until it has so many items. */
  async until(count: number): Promise<void> {
    while (this.items.length < count) {
      const entries = await this.read(10, 20_000);
      if (entries.length === 0) throw new Error(`there were ${String(this.items.length)} items after 20 s`);
      this.commit(entries);
    }
  }
}
