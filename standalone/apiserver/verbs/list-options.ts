import { forbidden, notSupported } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { goQuote } from '../go-format.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { badRequest, invalid, StatusError } from '../status-error.ts';
import { readSelection } from './selection.ts';
import type { Selection } from './selection.ts';

export interface ListOptions {
  readonly selection: Selection;
  /** 0: no limit. */
  readonly limit: number;
  /** Empty on a first page. */
  readonly continue: string;
  /** Empty for the newest, `0` for any. */
  readonly resourceVersion: string;
  readonly isExact: boolean;
}

export interface WatchOptions {
  readonly selection: Selection;
  readonly resourceVersion: string;
  readonly allowBookmarks: boolean;
  readonly sendInitialEvents: boolean | undefined;
  /** 0: as long as the server likes. */
  readonly timeoutSeconds: number;
}

const LIST_OPTIONS = { group: 'meta.k8s.io', name: 'ListOptions' };
const MATCHES = ['Exact', 'NotOlderThan'];

/** Reads the query of a list as apimachinery's ValidateListOptions does. */
export function readListOptions(query: URLSearchParams, definition: ResourceDefinition): ListOptions {
  const match = query.get('resourceVersionMatch') ?? '';
  const resourceVersion = readListVersion(query);
  const continueToken = query.get('continue') ?? '';
  const errors: FieldError[] = [];
  const refuse = (why: string): number => errors.push(forbidden('resourceVersionMatch', why));
  if (match !== '') {
    if (resourceVersion === '') refuse('resourceVersionMatch is forbidden unless resourceVersion is provided');
    if (continueToken !== '') refuse('resourceVersionMatch is forbidden when continue is provided');
    if (!MATCHES.includes(match)) errors.push(notSupported('resourceVersionMatch', match, [...MATCHES, '']));
    if (match === 'Exact' && resourceVersion === '0')
      refuse('resourceVersionMatch "exact" is forbidden for resourceVersion "0"');
  }
  if (query.has('sendInitialEvents'))
    errors.push(forbidden('sendInitialEvents', 'sendInitialEvents is forbidden for list'));
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
  if (continueToken !== '' && resourceVersion !== '' && resourceVersion !== '0')
    throw badRequest('specifying resource version is not allowed when using continue');
  const limit = readInteger(query, 'limit');
  return {
    selection: readSelection(query, definition),
    limit,
    continue: continueToken,
    resourceVersion,
    // A limit and a version without a match mean that very version, as clients from before the match expect.
    isExact: match === 'Exact' || (match === '' && limit > 0 && resourceVersion !== '' && resourceVersion !== '0'),
  };
}

/** Reads the query of a watch as apimachinery's validateWatchOptions does. */
export function readWatchOptions(query: URLSearchParams, definition: ResourceDefinition): WatchOptions {
  const match = query.get('resourceVersionMatch') ?? '';
  const sendInitialEvents = query.has('sendInitialEvents') ? isTrue(query.get('sendInitialEvents')) : undefined;
  const errors: FieldError[] = [];
  const refuse = (why: string): number => errors.push(forbidden('resourceVersionMatch', why));
  if (sendInitialEvents !== undefined && match !== 'NotOlderThan')
    refuse('sendInitialEvents requires setting resourceVersionMatch to NotOlderThan');
  if (match !== '') {
    if (sendInitialEvents === undefined)
      refuse('resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided');
    if (match !== 'NotOlderThan') errors.push(notSupported('resourceVersionMatch', match, ['NotOlderThan']));
    if (query.get('continue')) refuse('resourceVersionMatch is forbidden when continue is provided');
  }
  if (errors.length > 0) throw invalid(LIST_OPTIONS, '', errors);
  return {
    selection: readSelection(query, definition),
    resourceVersion: readVersion(query),
    allowBookmarks: isTrue(query.get('allowWatchBookmarks')),
    sendInitialEvents,
    timeoutSeconds: readInteger(query, 'timeoutSeconds'),
  };
}

/** A boolean of a query as Go's conversion reads it: there, and not `false` or `0`. */
export function isTrue(value: string | null): boolean {
  return value !== null && value !== 'false' && value !== '0';
}

/** A list's version that is no number is the client's fault to the real server; a watch's is an error of its own. */
function readListVersion(query: URLSearchParams): string {
  try {
    return readVersion(query);
  } catch (err) {
    throw badRequest(`invalid resource version: ${(err as Error).message}`);
  }
}

/** Throws for a version that is no number. */
export function readVersion(query: URLSearchParams): string {
  const version = query.get('resourceVersion') ?? '';
  if (version === '' || /^\d{1,19}$/.test(version)) return version;
  const why = `Invalid value: ${goQuote(version)}: strconv.ParseUint: parsing ${goQuote(version)}: invalid syntax`;
  throw new StatusError(500, '', `resourceVersion: ${why}`);
}

function readInteger(query: URLSearchParams, name: string): number {
  const text = query.get(name) ?? '';
  if (text === '') return 0;
  if (!/^-?\d{1,15}$/.test(text)) throw badRequest(`strconv.ParseInt: parsing ${goQuote(text)}: invalid syntax`);
  return Math.max(0, Number(text));
}
