import { AnswerTooLong } from './requests.ts';
import type { Json, Requests } from './requests.ts';
import { documentOf } from './document.ts';
import type { FoundDocument } from './document.ts';
import type { ElasticsearchSettings } from './settings.ts';

/** Documents that are looked for: those from a timestamp on (all at −Infinity), or those without any. */
export type Dates = { readonly from: number } | 'none';

/** The server forgets a state that nobody asks about for so long. */
const KEEP_ALIVE = '2m';
const CLOSE_MS = 5000;

/** One state of an index, read page by page. */
export class PointInTime {
  /** When the server was asked for it: it holds all that could be found then. Epoch milliseconds that never go back. */
  readonly askedAt: number;
  /** When the server had answered: it holds nothing that was written since. */
  readonly openedAt: number;
  readonly #requests: Requests;
  readonly #settings: ElasticsearchSettings;
  #id: string;
  /** The server gives no more documents at once than its answers may hold. */
  #most = Infinity;

  /** Rejects with the signal's reason or a `SourceError`. */
  static async open(requests: Requests, settings: ElasticsearchSettings, signal: AbortSignal): Promise<PointInTime> {
    const askedAt = steadyNow();
    const path = `/${encodeURIComponent(settings.index)}/_pit`;
    // The same copies of all shards each time: others may show an older state than was seen already.
    const query = { keep_alive: KEEP_ALIVE, preference: 'tiangong-sync' };
    const { id } = await requests.ask({ method: 'POST', path, query }, signal);
    return new PointInTime(requests, settings, String(id), askedAt);
  }

  private constructor(requests: Requests, settings: ElasticsearchSettings, id: string, askedAt: number) {
    this.#requests = requests;
    this.#settings = settings;
    this.#id = id;
    this.askedAt = askedAt;
    this.openedAt = steadyNow();
  }

  /** The next documents by timestamp, `size` at most, behind one (its `sort`); none when there are no more. */
  async page(
    dates: Dates,
    size: number,
    after: readonly unknown[] | undefined,
    signal: AbortSignal,
  ): Promise<FoundDocument[]> {
    for (;;) {
      const asked = Math.min(size, this.#most);
      try {
        return await this.#search(dates, asked, after, signal);
      } catch (err) {
        if (!(err instanceof AnswerTooLong) || asked === 1) throw err;
        this.#most = Math.ceil(asked / 4);
      }
    }
  }

  /** The server drops it by itself after a while: this only frees it sooner. */
  async close(): Promise<void> {
    const body = JSON.stringify({ id: this.#id });
    await this.#requests
      .ask({ method: 'DELETE', path: '/_pit', body }, AbortSignal.timeout(CLOSE_MS), 404)
      .catch(() => undefined);
  }

  async #search(
    dates: Dates,
    size: number,
    after: readonly unknown[] | undefined,
    signal: AbortSignal,
  ): Promise<FoundDocument[]> {
    const { timestampField: field } = this.#settings;
    const isDated = dates !== 'none';
    const exists = { exists: { field } };
    const body = {
      size,
      pit: { id: this.#id, keep_alive: KEEP_ALIVE },
      track_total_hits: false,
      seq_no_primary_term: true,
      version: true,
      query: !isDated
        ? { bool: { must_not: exists } }
        : Number.isFinite(dates.from)
          ? { range: { [field]: { gte: Math.floor(dates.from), format: 'epoch_millis' } } }
          : exists,
      sort: [...(isDated ? [{ [field]: { order: 'asc', numeric_type: 'date' } }] : []), { _shard_doc: 'asc' }],
      ...(after !== undefined && { search_after: after }),
    };
    const query = { allow_partial_search_results: 'false' };
    const answer = await this.#requests.ask(
      { method: 'POST', path: '/_search', query, body: JSON.stringify(body) },
      signal,
    );
    if (typeof answer['pit_id'] === 'string') this.#id = answer['pit_id'];
    const found = (answer['hits'] as Json | undefined)?.['hits'];
    return (Array.isArray(found) ? (found as Json[]) : []).map((hit) => documentOf(hit, isDated));
  }
}

/** Epoch milliseconds that a clock put back does not put back. */
export function steadyNow(): number {
  return performance.timeOrigin + performance.now();
}
