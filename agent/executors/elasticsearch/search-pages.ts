import type { SearchOperation } from './elasticsearch-params.ts';
import { MAX_WINDOW } from './elasticsearch-params.ts';
import { isObject } from './lossless-json.ts';
import type { Run } from './run.ts';
import { describeCause, objectOf, Refused } from './server-error.ts';

/** A document that a search found. */
export type Hit = Readonly<Record<string, unknown>>;

export interface Page {
  readonly hits: readonly Hit[];
  /** How many documents match; undefined where the server was not asked again. */
  readonly total: Total | undefined;
}

export interface Total {
  readonly value: number;
  /** The server stopped to count there. */
  readonly orMore: boolean;
}

/** `136000`, `10000+` */
export const totalText = ({ value, orMore }: Total): string => `${String(value)}${orMore ? '+' : ''}`;

/** Documents in a request; more are read page by page, on one state of the index. */
const PAGE = 1000;
const KEEP_ALIVE = '2m';

/** Reads what a search finds, at most `size` documents. Rejects with the signal's reason, `Refused` or `NoAnswer`. */
export async function* searchPages(run: Run, operation: SearchOperation): AsyncGenerator<Page, void> {
  const { path, from, size, body, sort, query } = operation;
  const base = { track_total_hits: true, ...body };
  if (size <= PAGE || (from > 0 && from + size <= MAX_WINDOW)) {
    const first = { ...base, size, ...(from > 0 && { from }), ...(sort !== undefined && { sort }) };
    yield pageOf(await ask(run, `${path}/_search`, query, first));
    return;
  }
  const pit = await openPointInTime(run, operation);
  try {
    let after: unknown;
    for (let left = size; left > 0;) {
      const part = { ...base, size: Math.min(left, PAGE), pit: { id: pit.id, keep_alive: KEEP_ALIVE } };
      const order = { sort: sort ?? [{ _shard_doc: 'asc' }], ...(after !== undefined && { search_after: after }) };
      // Where a total is asked for, it is so for the first page: it costs a look at all documents.
      const counted = after === undefined ? {} : { track_total_hits: false };
      const answer = await ask(run, '/_search', searchOnly(query), { ...part, ...order, ...counted });
      if (typeof answer['pit_id'] === 'string') pit.id = answer['pit_id'];
      const page = pageOf(answer);
      yield page;
      left -= page.hits.length;
      after = page.hits.at(-1)?.['sort'];
      if (page.hits.length < PAGE || after === undefined) return;
    }
  } finally {
    await closePointInTime(run, pit.id);
  }
}

async function openPointInTime(run: Run, { path, query }: SearchOperation): Promise<{ id: string }> {
  const which = Object.fromEntries(Object.entries(query).filter(([key]) => key !== 'search_type'));
  const answer = await ask(run, `${path}/_pit`, { ...which, keep_alive: KEEP_ALIVE }, undefined);
  if (typeof answer['id'] !== 'string') throw new Error('the server opened no point in time');
  return { id: answer['id'] };
}

/** The server drops it by itself after a while: this only frees it sooner. */
async function closePointInTime(run: Run, id: string): Promise<void> {
  const signal = AbortSignal.timeout(run.graceMs);
  const body = JSON.stringify({ id });
  await run.client.request({ method: 'DELETE', path: '/_pit', body }, signal).catch(() => undefined);
}

/** With a point in time the request names no indices, and nothing that says which. */
const searchOnly = (query: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(query).filter(([key]) => key === 'search_type'));

async function ask(
  run: Run,
  path: string,
  query: Readonly<Record<string, string>>,
  body: Readonly<Record<string, unknown>> | undefined,
): Promise<Readonly<Record<string, unknown>>> {
  const text = body === undefined ? undefined : JSON.stringify(body);
  const answer = await run.client.request(
    { method: 'POST', path, query, body: text, opaqueId: run.opaqueId },
    run.signal,
  );
  return objectOf(answer);
}

function pageOf(answer: Readonly<Record<string, unknown>>): Page {
  const found = isObject(answer['hits']) ? answer['hits'] : {};
  const hits = Array.isArray(found['hits']) ? (found['hits'] as unknown[]).filter(isObject) : [];
  const total = isObject(found['total']) ? found['total'] : {};
  const shards = isObject(answer['_shards']) ? answer['_shards'] : {};
  const { failed, failures } = shards;
  if (typeof failed === 'number' && failed > 0) {
    const [first] = Array.isArray(failures) ? (failures as unknown[]) : [];
    const cause = describeCause(isObject(first) ? first['reason'] : undefined);
    throw new Refused('RequestRefused', `${String(failed)} shards failed: ${cause}`);
  }
  if (answer['timed_out'] === true) throw new Refused('RequestRefused', 'it timed out on the server');
  const { value, relation } = total;
  return { hits, total: typeof value === 'number' ? { value, orMore: relation === 'gte' } : undefined };
}
