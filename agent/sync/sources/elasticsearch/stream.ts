import { hash } from 'node:crypto';
import { IndexClock } from '../../bus/index-clock.ts';
import type { StreamStart } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import type { PollBell } from '../poll-bell.ts';
import { isAtLeast } from './document.ts';
import type { DocumentVersion, FoundDocument } from './document.ts';
import { PointInTime } from './point-in-time.ts';
import type { Requests } from './requests.ts';
import type { ElasticsearchSettings } from './settings.ts';
import { checkTimestamps, newestTimestamp } from './timestamps.ts';

/** Where a stream stands. */
export interface PolledPosition extends SourcePosition {
  /** All documents up to this timestamp have come, but late ones; epoch milliseconds. Null: there was none yet. */
  readonly newest: number | null;
  /** When the state was read that all documents of have come. */
  readonly polledAt: number;
  /** Marks of documents that came last: after a new beginning they are found again, and need not come again. */
  readonly marks: string;
}

/** What a document's entry carries for snapshots. */
export interface DocumentRead {
  readonly key: string;
  readonly version: DocumentVersion;
  /** When the state was read that it was found in. */
  readonly readAt: number;
}

/** Documents that are asked for at once. */
const PAGE = 500;

/** Documents of the overlap that are known; of more, the ones found first come twice. */
const MAX_KNOWN = 200_000;

/** As many marks stand in a position, which stands in a status: of more documents, the ones found first come twice. */
const MAX_MARKS = 64;
const MARK_CHARS = 11;

/** Asks again and again for documents whose timestamp is new, and for late ones. */
export class IndexPoller {
  readonly #requests: Requests;
  readonly #settings: ElasticsearchSettings;
  readonly #bell: PollBell;
  readonly #isFirst: boolean;
  readonly #clock: IndexClock;
  /** What has come of the documents that every poll finds again. */
  readonly #known = new Map<string, { readonly version: DocumentVersion; readonly timestamp: number }>();
  /** Marks of the documents that were found last. */
  #recent: string[] = [];
  /** Of documents that had come before the checkpoint. */
  readonly #marks: ReadonlySet<string>;
  #newest = -Infinity;
  #polledAt = 0;

  /** `bell` ends waits between polls. */
  constructor(requests: Requests, settings: ElasticsearchSettings, bell: PollBell, start: StreamStart) {
    const { checkpoint, afterIndex } = start;
    this.#requests = requests;
    this.#settings = settings;
    this.#bell = bell;
    this.#isFirst = checkpoint === undefined;
    this.#clock = new IndexClock(Math.max(checkpoint?.index ?? -1, afterIndex));
    const newest = checkpoint?.position['newest'];
    if (typeof newest === 'number') this.#newest = newest;
    const marks = checkpoint?.position['marks'];
    this.#marks = new Set(typeof marks === 'string' ? marks.match(MARKS) : []);
  }

  /** Ends when the signal aborts. Rejects with a `SourceError`. */
  async *entries(signal: AbortSignal): AsyncGenerator<readonly StreamEntry[], void> {
    await checkTimestamps(this.#requests, this.#settings, signal);
    if (this.#isFirst) await this.#passOver(signal);
    yield [this.#moved()];
    for (;;) {
      const { rings } = this.#bell;
      for await (const { found, readAt } of this.#poll(signal)) {
        const news = found.filter((one) => this.#isNews(one, readAt)).map((one) => this.#entryOf(one, readAt));
        const last = news.pop();
        if (last !== undefined) yield [...news, { ...last, position: this.#position }];
      }
      yield [this.#moved()];
      await this.#bell.wait(this.#settings.pollingMs, rings, signal);
      if (signal.aborted) return;
    }
  }

  get #position(): PolledPosition {
    const newest = Number.isFinite(this.#newest) ? this.#newest : null;
    const marks = this.#recent.slice(-MAX_MARKS).join('');
    return { newest, polledAt: this.#polledAt, marks };
  }

  /** Knows all documents that the next poll will find from now on. */
  async #passOver(signal: AbortSignal): Promise<void> {
    const askedAt = Date.now();
    this.#newest = Math.min(await newestTimestamp(this.#requests, this.#settings, signal), askedAt);
    for await (const { found, readAt } of this.#poll(signal)) for (const one of found) this.#isNews(one, readAt);
  }

  /** What can be found now, from the overlap on. */
  async *#poll(signal: AbortSignal): AsyncGenerator<{ found: readonly FoundDocument[]; readAt: number }, void> {
    const from = this.#newest - this.#settings.overlapMs;
    for (const [key, { timestamp }] of this.#known) if (timestamp < from) this.#known.delete(key);
    const point = await PointInTime.open(this.#requests, this.#settings, signal);
    try {
      let after: readonly unknown[] | undefined;
      for (;;) {
        const found = await point.page({ from }, PAGE, after, signal);
        after = found.at(-1)?.sort;
        if (after === undefined) break;
        yield { found, readAt: point.askedAt };
      }
      this.#polledAt = point.askedAt;
    } finally {
      await point.close();
    }
  }

  #isNews({ key, version, timestamp = -Infinity }: FoundDocument, readAt: number): boolean {
    const known = this.#known.get(key);
    if (known !== undefined && isAtLeast(known.version, version)) return false;
    this.#known.delete(key);
    this.#known.set(key, { version, timestamp });
    if (this.#known.size > MAX_KNOWN) {
      const [oldest = ''] = this.#known.keys();
      this.#known.delete(oldest);
    }
    // A timestamp in the future must not hide what is written until then, whether anybody asks meanwhile or not.
    this.#newest = Math.max(this.#newest, Math.min(timestamp, readAt));
    const mark = markOf(key, version);
    if (this.#recent.push(mark) >= 2 * MAX_MARKS) this.#recent = this.#recent.slice(-MAX_MARKS);
    return !this.#marks.has(mark);
  }

  #moved(): StreamEntry {
    return { index: this.#clock.next(Date.now()), position: this.#position };
  }

  #entryOf(found: FoundDocument, readAt: number): StreamEntry {
    const { key, version, row, fields, isUpdate, timestamp } = found;
    const index = this.#clock.next(Date.now());
    const transaction: DocumentRead = { key, version, readAt };
    return {
      index,
      event: {
        event_type: isUpdate ? 'update' : 'insert',
        fields,
        rows: [row],
        index,
        event_schema: this.#requests.origin,
        table: this.#settings.index,
      },
      ...(timestamp !== undefined && { committedMs: timestamp }),
      transaction,
      touched: () => ({ keys: [key] }),
    };
  }
}

const MARKS = new RegExp(`.{${String(MARK_CHARS)}}`, 'g');

/** 64 bits: that two of a few documents have the same will not happen. */
function markOf(key: string, { term, sequence }: DocumentVersion): string {
  return hash('sha256', JSON.stringify([key, term, sequence]), 'base64url').slice(0, MARK_CHARS);
}
