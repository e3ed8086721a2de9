import { SourceError } from '../../source.ts';
import type { Json, Requests } from './requests.ts';
import type { ElasticsearchSettings } from './settings.ts';

const DATES = new Set(['date', 'date_nanos']);

/** Rejects with a `SourceError` when there is no such index, or its timestamps are no dates. */
export async function checkTimestamps(
  requests: Requests,
  { index, timestampField: field }: ElasticsearchSettings,
  signal: AbortSignal,
): Promise<void> {
  const path = `/${encodeURIComponent(index)}/_field_caps`;
  const { indices, fields } = await requests.ask({ method: 'GET', path, query: { fields: field } }, signal);
  // A pattern may fit no index yet.
  if (Array.isArray(indices) && indices.length === 0) return;
  const types = Object.keys(((fields as Json | undefined)?.[field] ?? {}) as Json).filter(
    (type) => type !== 'unmapped',
  );
  if (types.length > 0 && types.every((type) => DATES.has(type))) return;
  const found = types.length === 0 ? 'there is no such field' : `it is of type ${types.join(', ')}`;
  throw new SourceError(
    'ConfigurationInvalid',
    `timestamp_field '${field}' must be a field of dates in ${index}: ${found}`,
    { retryable: false },
  );
}

/** Of all documents; −Infinity when none has one. */
export async function newestTimestamp(
  requests: Requests,
  { index, timestampField: field }: ElasticsearchSettings,
  signal: AbortSignal,
): Promise<number> {
  const path = `/${encodeURIComponent(index)}/_search`;
  const body = { size: 0, track_total_hits: false, aggs: { newest: { max: { field } } } };
  const { aggregations } = await requests.ask({ method: 'POST', path, body: JSON.stringify(body) }, signal);
  const value = ((aggregations as Json | undefined)?.['newest'] as Json | undefined)?.['value'];
  return typeof value === 'number' ? value : -Infinity;
}

/** How many documents there are. */
export async function countDocuments(
  requests: Requests,
  { index }: ElasticsearchSettings,
  signal: AbortSignal,
): Promise<number | undefined> {
  const { count } = await requests.ask({ method: 'GET', path: `/${encodeURIComponent(index)}/_count` }, signal);
  return typeof count === 'number' ? count : undefined;
}
