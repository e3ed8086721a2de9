import { findJsonFault } from '../database/json-fault.ts';
import { CommandError } from './command-error.ts';
import { manyIndices, oneIndex, pathOf, refuseAllIndices } from './index-name.ts';
import { isObject, parseJson } from './lossless-json.ts';
import { BODY, QUERY, SEARCH_BODY } from './operation-fields.ts';
import type { OperationName, RequestName } from './operation-fields.ts';

/** What one request asks for; bulk and search are more than one request and have operations of their own. */
export interface RequestOperation {
  readonly kind: 'request';
  readonly name: RequestName;
  /** As the task wrote it. */
  readonly index: string;
  readonly id: string | undefined;
  readonly method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly body: string | undefined;
}

export interface BulkOperation {
  readonly kind: 'bulk';
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly index: string | undefined;
  /** Undefined: they stand in the task's file. */
  readonly actions: readonly unknown[] | undefined;
}

export interface SearchOperation {
  readonly kind: 'search';
  readonly index: string;
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  /** The request's body without size, from and sort. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly sort: unknown;
  readonly from: number;
  /** How many documents are given at most, over all pages. */
  readonly size: number;
}

export type Operation = RequestOperation | BulkOperation | SearchOperation;

const NAMES = Object.keys(QUERY).sort();

/** Where more than this many are asked for, they are read page by page. */
export const MAX_WINDOW = 10_000;
const MAX_SEARCH = 10_000_000;
const DEFAULT_SEARCH = 10;

/**
 * Reads the command of the manual's §4.4. `hasFile`: the actions of a bulk command stand in the task's file. Throws
 * `CommandError`.
 */
export function parseOperation(
  command: string,
  params: Readonly<Record<string, unknown>>,
  { hasFile = false } = {},
): Operation {
  const parsed = parseCommand(command);
  const name = parsed['operation'];
  if (name === undefined) throw new CommandError(`operation is required: ${NAMES.join(', ')}`);
  if (typeof name !== 'string' || !Object.hasOwn(QUERY, name))
    throw new CommandError(`unsupported operation: ${show(name)} (supported: ${NAMES.join(', ')})`);
  if (name === 'bulk') return parseBulk(parsed, params, hasFile);
  if (hasFile) throw new CommandError(`operation ${name} takes no file; only bulk reads its actions from one`);
  return name === 'search'
    ? parseSearch(parsed, params)
    : parseRequest(name as Exclude<RequestName, 'search'>, parsed, params);
}

function parseCommand(command: string): Readonly<Record<string, unknown>> {
  if (command.trim() === '') throw new CommandError('command is empty');
  const fault = findJsonFault(command);
  if (fault !== undefined)
    throw new CommandError(`failed to parse command: line ${fault.line}, column ${fault.column}: ${fault.problem}`);
  let parsed: unknown;
  try {
    parsed = parseJson(command);
  } catch (err) {
    throw new CommandError(`failed to parse command: ${(err as Error).message}`, { cause: err });
  }
  if (!isObject(parsed)) throw new CommandError('command must be a JSON object');
  return parsed;
}

function parseBulk(
  command: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
  hasFile: boolean,
): BulkOperation {
  checkKeys('bulk', command, ['index', 'actions']);
  const { actions } = command;
  const index = command['index'] === undefined ? undefined : oneIndex('bulk', command['index']);
  if (hasFile) {
    if (actions !== undefined) throw new CommandError('actions may not be given when the task has a file of them');
  } else if (!Array.isArray(actions)) throw new CommandError('actions is required, a list');
  else if (actions.length === 0) throw new CommandError('actions must not be empty');
  const path = index === undefined ? '/_bulk' : `/${encodeURIComponent(index)}/_bulk`;
  return { kind: 'bulk', path, query: queryOf('bulk', command, params), index, actions: hasFile ? undefined : actions };
}

function parseSearch(
  command: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
): SearchOperation | RequestOperation {
  checkKeys('search', command, ['index', 'size', 'from', 'sort', ...SEARCH_BODY]);
  const index = manyIndices('search', command['index']);
  const size = wholeNumber('size', command['size'] ?? DEFAULT_SEARCH, 0, MAX_SEARCH);
  const from = wholeNumber('from', command['from'] ?? 0, 0, MAX_WINDOW);
  if (from > 0 && from + size > MAX_WINDOW)
    throw new CommandError(`from and size may not go beyond ${String(MAX_WINDOW)} together; leave from out`);
  if (command['query'] !== undefined && !isObject(command['query'])) throw new CommandError('query must be an object');
  const body = Object.fromEntries(Object.entries(command).filter(([key]) => SEARCH_BODY.includes(key)));
  const query = queryOf('search', command, params);
  if (body['aggs'] !== undefined || body['aggregations'] !== undefined) return aggregation(command, index, query);
  return { kind: 'search', index, path: pathOf(index), query, body, sort: command['sort'], from, size };
}

/** Aggregations are no rows: the answer is given as it is. */
function aggregation(
  command: Readonly<Record<string, unknown>>,
  index: string,
  query: Readonly<Record<string, string>>,
): RequestOperation {
  const { operation: _operation, index: _index, ...rest } = command;
  const asked = Object.entries({ size: 0, ...rest }).filter(([key]) => !QUERY.search.includes(key));
  const body = JSON.stringify({ track_total_hits: true, ...Object.fromEntries(asked) });
  const path = `${pathOf(index)}/_search`;
  return { kind: 'request', name: 'search', index, id: undefined, method: 'POST', path, query, body };
}

function parseRequest(
  name: Exclude<RequestName, 'search'>,
  command: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
): RequestOperation {
  const { keys, required } = BODY[name];
  const needsId = name === 'update' || name === 'delete';
  checkKeys(name, command, ['index', ...(needsId || name === 'index' ? ['id'] : []), ...keys]);
  const many = name === 'delete_by_query' || name === 'count' || name === 'refresh';
  const index = many ? manyIndices(name, command['index']) : oneIndex(name, command['index']);
  if (name === 'delete_by_query') refuseAllIndices(index);
  const id = idOf(name, command['id'], needsId);
  if (required !== undefined && !isObject(command[required]))
    throw new CommandError(`${required} is required, an object`);
  if (command['query'] !== undefined && !isObject(command['query'])) throw new CommandError('query must be an object');
  if (name === 'update') checkUpdate(command);
  const body = Object.fromEntries(keys.filter((key) => command[key] !== undefined).map((key) => [key, command[key]]));
  const content = name === 'index' ? command['doc'] : body;
  const { method, path } = route(name, pathOf(index), id);
  return {
    kind: 'request',
    name,
    index,
    id,
    method,
    path,
    query: queryOf(name, command, params),
    body: keys.length === 0 ? undefined : JSON.stringify(content),
  };
}

function route(
  name: Exclude<RequestName, 'search'>,
  index: string,
  id: string | undefined,
): { method: RequestOperation['method']; path: string } {
  const document = id === undefined ? `${index}/_doc` : `${index}/_doc/${encodeURIComponent(id)}`;
  switch (name) {
    case 'index':
      return { method: id === undefined ? 'POST' : 'PUT', path: document };
    case 'update':
      return { method: 'POST', path: `${index}/_update/${encodeURIComponent(id ?? '')}` };
    case 'delete':
      return { method: 'DELETE', path: document };
    case 'create_index':
      return { method: 'PUT', path: index };
    case 'delete_index':
      return { method: 'DELETE', path: index };
    case 'refresh':
      return { method: 'POST', path: `${index}/_refresh` };
    case 'count':
    case 'delete_by_query':
      return { method: 'POST', path: `${index}/_${name}` };
  }
}

function checkUpdate(command: Readonly<Record<string, unknown>>): void {
  if (command['doc'] === undefined && command['script'] === undefined)
    throw new CommandError('doc is required, an object (or a script)');
  for (const key of ['doc', 'upsert'])
    if (command[key] !== undefined && !isObject(command[key])) throw new CommandError(`${key} must be an object`);
}

/** The parameters that stand in the URL, from the command or, those that say how, from the task's params. */
function queryOf(
  name: OperationName,
  command: Readonly<Record<string, unknown>>,
  params: Readonly<Record<string, unknown>>,
): Record<string, string> {
  const query: Record<string, string> = {};
  for (const key of QUERY[name]) {
    const fromParams = key === 'refresh' || key === 'conflicts' ? params[key] : undefined;
    const value = command[key] ?? fromParams;
    if (value === undefined || value === null) continue;
    const text = textOf(value);
    if (text === undefined) throw new CommandError(`${key} must be a string, a number, true or false`);
    query[key] = text;
  }
  const { refresh, conflicts } = query;
  const refreshes = name === 'delete_by_query' ? ['true', 'false'] : ['true', 'false', 'wait_for'];
  if (refresh !== undefined && !refreshes.includes(refresh))
    throw new CommandError(`refresh must be one of ${refreshes.join(', ')}`);
  if (conflicts !== undefined && conflicts !== 'abort' && conflicts !== 'proceed')
    throw new CommandError('conflicts must be abort or proceed');
  return query;
}

function textOf(value: unknown): string | undefined {
  if (typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean') return String(value);
  const raw = (value as { rawJSON?: unknown }).rawJSON;
  return typeof raw === 'string' ? raw : undefined;
}

function checkKeys(name: OperationName, command: Readonly<Record<string, unknown>>, keys: readonly string[]): void {
  const unknown = Object.keys(command).find(
    (key) => key !== 'operation' && !keys.includes(key) && !QUERY[name].includes(key),
  );
  if (unknown !== undefined) throw new CommandError(`operation ${name} does not know ${show(unknown)}`);
}

function idOf(name: RequestName, id: unknown, required: boolean): string | undefined {
  if (id === undefined || id === null) {
    if (required) throw new CommandError(`id is required by ${name}`);
    return undefined;
  }
  if (typeof id !== 'string' || id === '' || id === '.' || id === '..')
    throw new CommandError('id must be a string that is not empty');
  return id;
}

function wholeNumber(key: string, value: unknown, least: number, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < least || value > most)
    throw new CommandError(`${key} must be a whole number from ${String(least)} to ${String(most)}`);
  return value;
}

const show = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 100);
