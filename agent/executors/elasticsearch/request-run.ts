import { failed } from '../executor.ts';
import type { Outcome } from '../executor.ts';
import { sendDeleteByQuery } from './delete-by-query.ts';
import type { ElasticsearchAnswer } from './elasticsearch-client.ts';
import type { RequestOperation } from './elasticsearch-params.ts';
import type { RequestName } from './operation-fields.ts';
import { isObject } from './lossless-json.ts';
import { writeReport } from './report.ts';
import type { Report } from './report.ts';
import { toOutcome } from './run.ts';
import type { Run } from './run.ts';
import { describeCause, objectOf } from './server-error.ts';
import { settle } from './settle.ts';

/** The manual's words for an operation. */
const LABELS: Readonly<Record<RequestName, string>> = {
  index: 'Index operation',
  update: 'Update operation',
  delete: 'Delete operation',
  delete_by_query: 'Delete by query',
  count: 'Count',
  create_index: 'Create index',
  delete_index: 'Delete index',
  refresh: 'Refresh',
  search: 'Search',
};

const READS: ReadonlySet<RequestName> = new Set<RequestName>(['count', 'search']);

/** Does what one request does. Rejects with the signal's reason after an abort. */
export async function runRequest(run: Run, operation: RequestOperation): Promise<Outcome> {
  const { name, index, id } = operation;
  const label = LABELS[name];
  run.evidence(`${name} ${index}${id === undefined ? '' : `/${id}`}, X-Opaque-Id ${run.opaqueId}`);
  let answer: ElasticsearchAnswer;
  let response: Readonly<Record<string, unknown>>;
  try {
    answer = await send(run, operation);
    response = objectOf(answer);
  } catch (err) {
    if (run.signal.aborted) throw err;
    return toOutcome(err, label, !READS.has(name));
  }
  const problem = name === 'delete_by_query' ? problemOf(response, operation) : undefined;
  const line = lineOf(operation, response);
  await writeReport(run.output, run.options.resultFormat, {
    title: `${label} ${problem === undefined ? 'completed' : 'stopped'}`,
    operation: name,
    success: problem === undefined,
    line,
    response: answer.text,
  });
  run.signal.throwIfAborted();
  if (problem !== undefined) return failed(problem.reason, `${label} failed: ${problem.text}`);
  return { state: 'Succeeded', message: `${label} completed (${line[0]}: ${String(line[1])})` };
}

/** Reading stops with the connection; a write is given time to end; a deletion by query has to be told. */
function send(run: Run, operation: RequestOperation): Promise<ElasticsearchAnswer> {
  const { method, path, query, body, name } = operation;
  const request = { method, path, query, body, opaqueId: run.opaqueId };
  if (name === 'delete_by_query') return sendDeleteByQuery(run, request);
  if (READS.has(name)) return run.client.request(request, run.signal);
  return settle((signal) => run.client.request(request, signal), run.signal, run.graceMs);
}

function lineOf({ name, index, id }: RequestOperation, response: Readonly<Record<string, unknown>>): Report['line'] {
  const number = (key: string): number => (typeof response[key] === 'number' ? response[key] : 0);
  if (name === 'delete_by_query') return ['Documents deleted', number('deleted')];
  if (name === 'count') return ['Documents', number('count')];
  if (name === 'search') return ['Hits', hitsOf(response)];
  if (name === 'index' || name === 'update' || name === 'delete') {
    const given = response['_id'];
    return ['ID', typeof given === 'string' ? given : (id ?? '')];
  }
  return ['Index', index];
}

function hitsOf({ hits }: Readonly<Record<string, unknown>>): number {
  const total = isObject(hits) && isObject(hits['total']) ? hits['total']['value'] : 0;
  return typeof total === 'number' ? total : 0;
}

/** What keeps an answered deletion from being whole. */
function problemOf(
  response: Readonly<Record<string, unknown>>,
  { query }: RequestOperation,
): { reason: string; text: string } | undefined {
  const count = (key: string): number => (typeof response[key] === 'number' ? response[key] : 0);
  const deleted = `${String(count('deleted'))} documents were deleted`;
  const failures = Array.isArray(response['failures']) ? (response['failures'] as unknown[]) : [];
  const conflicts = count('version_conflicts');
  if (conflicts > 0 && query['conflicts'] !== 'proceed')
    return { reason: 'VersionConflict', text: `${String(conflicts)} version conflicts; ${deleted}` };
  if (response['canceled'] !== undefined)
    return {
      reason: 'CanceledOnServer',
      text: `the server canceled it: ${JSON.stringify(response['canceled'])}; ${deleted}`,
    };
  if (response['timed_out'] === true)
    return { reason: 'RequestRefused', text: `it timed out on the server; ${deleted}` };
  const [first] = failures;
  if (!isObject(first)) return undefined;
  const cause = describeCause(first['cause'] ?? first['reason']);
  return { reason: 'RequestRefused', text: `${String(failures.length)} failures, the first: ${cause}; ${deleted}` };
}
