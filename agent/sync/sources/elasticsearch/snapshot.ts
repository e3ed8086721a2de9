import { isDeepStrictEqual } from 'node:util';
import type { SnapshotChunk, SnapshotCursor, SnapshotReader } from '../../snapshot.ts';
import { SourceError } from '../../source.ts';
import type { PollBell } from '../poll-bell.ts';
import { isAtLeast } from './document.ts';
import type { FoundDocument } from './document.ts';
import { PointInTime, steadyNow } from './point-in-time.ts';
import type { Dates } from './point-in-time.ts';
import type { Requests } from './requests.ts';
import type { ElasticsearchSettings } from './settings.ts';
import type { DocumentRead } from './stream.ts';
import { checkTimestamps, countDocuments } from './timestamps.ts';

/** Documents by their timestamps, then those without. */
interface IndexCursor extends SnapshotCursor {
  /** Of the last document; null: it has none. */
  readonly timestamp: number | null;
  /** Documents of that timestamp that were read, the last ones. */
  readonly keys: readonly string[];
}

/** A state is read on for so long, then a newer one: what changes beside an old state has to be remembered. */
const RENEW_MS = 30_000;

/** What a cursor may hold of keys, in characters: it must fit into a status. */
const MAX_CURSOR_KEYS = 2000;

/** Reads the documents of an index in the order of their timestamps. */
export class IndexSnapshot implements SnapshotReader {
  readonly #requests: Requests;
  readonly #settings: ElasticsearchSettings;
  readonly #bell: PollBell;
  readonly #total: number | undefined;
  #state: State | undefined;
  /** The cursor that was given last. */
  #cursor: IndexCursor | undefined;

  /** `bell`: of the streams, which then read what a chunk may have seen. */
  static async open(
    requests: Requests,
    settings: ElasticsearchSettings,
    bell: PollBell,
    signal: AbortSignal,
  ): Promise<IndexSnapshot> {
    await checkTimestamps(requests, settings, signal);
    return new IndexSnapshot(requests, settings, bell, await countDocuments(requests, settings, signal));
  }

  private constructor(requests: Requests, settings: ElasticsearchSettings, bell: PollBell, total: number | undefined) {
    this.#requests = requests;
    this.#settings = settings;
    this.#bell = bell;
    this.#total = total;
  }

  async next(after: SnapshotCursor | undefined, rows: number, signal: AbortSignal): Promise<SnapshotChunk | undefined> {
    const from = after as IndexCursor | undefined;
    if (this.#state !== undefined && isDeepStrictEqual(from, this.#cursor) && !isOld(this.#state, from)) {
      try {
        return await this.#read(this.#state, rows, from, signal);
      } catch (err) {
        // The server forgets a state that nobody asked about for a while.
        if (!(err instanceof SourceError && err.reason === 'NotFound')) throw err;
      }
    }
    return await this.#read(await this.#renew(from, signal), rows, from, signal);
  }

  async close(): Promise<void> {
    await this.#state?.point.close();
    this.#state = undefined;
  }

  async #renew(from: IndexCursor | undefined, signal: AbortSignal): Promise<State> {
    await this.close();
    const point = await PointInTime.open(this.#requests, this.#settings, signal);
    const dates = from?.timestamp === null ? 'none' : { from: from?.timestamp ?? -Infinity };
    this.#state = { point, began: from?.timestamp, dates, after: undefined, skipped: new Set(from?.keys) };
    return this.#state;
  }

  async #read(
    state: State,
    rows: number,
    from: IndexCursor | undefined,
    signal: AbortSignal,
  ): Promise<SnapshotChunk | undefined> {
    for (;;) {
      const found = await state.point.page(state.dates, rows, state.after, signal);
      const last = found.at(-1);
      if (last === undefined && state.dates === 'none') return undefined;
      if (last === undefined) state.dates = 'none';
      state.after = last?.sort;
      const fresh = found.filter(({ key }) => !state.skipped.has(key));
      if (last === undefined || fresh.length === 0) continue;
      this.#cursor = cursorBehind(from, found, last);
      this.#bell.ring();
      return this.#chunkOf(fresh, this.#cursor, state.point);
    }
  }

  #chunkOf(found: readonly FoundDocument[], cursor: IndexCursor, point: PointInTime): SnapshotChunk {
    const { index, overlapMs } = this.#settings;
    const versions = new Map(found.map(({ key, version }) => [key, version]));
    return {
      event_schema: this.#requests.origin,
      table: index,
      fields: [...new Set(found.flatMap(({ fields }) => fields))],
      rows: found.map(({ row }) => row),
      keys: found.map(({ key }) => key),
      cursor,
      progress: {
        tablesDone: 0,
        tablesTotal: 1,
        ...(this.#total !== undefined && { estimatedRows: this.#total }),
      },
      sees: (transaction) => {
        const { key, version, readAt } = transaction as DocumentRead;
        // What one copy of a shard shows, all show after the time that documents may take to be found.
        if (readAt + overlapMs <= point.askedAt) return true;
        const here = versions.get(key);
        return here !== undefined && isAtLeast(here, version);
      },
      isCoveredBy: ({ polledAt }) => typeof polledAt === 'number' && polledAt >= point.openedAt,
    };
  }
}

/** A state of the index, and how far it was read. */
interface State {
  readonly point: PointInTime;
  /** The timestamp that reading began at. */
  readonly began: number | null | undefined;
  dates: Dates;
  /** Behind the last document; undefined: from the first. */
  after: readonly unknown[] | undefined;
  /** Documents at the beginning that were read in an earlier state. */
  readonly skipped: ReadonlySet<string>;
}

/** Only when there was progress: else one timestamp of very many documents would be begun again and again. */
function isOld({ point, began }: State, from: IndexCursor | undefined): boolean {
  return steadyNow() - point.openedAt > RENEW_MS && from?.timestamp !== began;
}

function cursorBehind(
  from: IndexCursor | undefined,
  found: readonly FoundDocument[],
  last: FoundDocument,
): IndexCursor {
  const own = last.timestamp ?? null;
  // A document of several timestamps may be found behind later ones.
  const timestamp = own === null ? null : Math.max(own, from?.timestamp ?? -Infinity);
  const known = [...(from?.timestamp === timestamp ? from.keys : [])];
  for (const { key, timestamp: of = null } of found) if (of === timestamp) known.push(key);
  const keys: string[] = [];
  let room = MAX_CURSOR_KEYS;
  for (const key of known.reverse()) if ((room -= Buffer.byteLength(key)) >= 0) keys.push(key);
  return { timestamp, keys };
}
