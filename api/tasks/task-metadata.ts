import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_KEY } from './credentials.ts';

/** Who asked for a task and why (`params.metadata`), by key, as text: what tasks are searched by. */
export type TaskMetadata = Readonly<Record<string, string>>;

const MAX_KEYS = 32;
const MAX_KEY = 63;
const MAX_VALUE = 253;
/** The manual's keys, which crds/deploytasks.yaml has as strings. */
const TEXT_KEYS: readonly string[] = ['env', 'creator', 'ticket'];

/** In the query of `GET /tasks`: `metadata.ticket=…`. */
const QUERY_PREFIX = 'metadata.';
/** On a task made by REST, for `kubectl get dt -l metadata.tiangong.io/ticket=…`. */
const LABEL_PREFIX = 'metadata.tiangong.io/';
/** What Kubernetes takes as the name and as the value of a label, an empty value aside. */
const LABEL = /^[A-Za-z0-9]([-_.A-Za-z0-9]{0,61}[A-Za-z0-9])?$/;
const CONTROLS = /[\0-\x1f\x7f]/;

type Scalar = string | number | boolean;

/**
 * `params` with its metadata checked: a few short strings, numbers and booleans. Null is nothing, and what the manual has
 * as text becomes text. Throws `InvalidRequest`.
 */
export function withCheckedMetadata(params: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { metadata, ...others } = params;
  if (metadata === undefined) return params;
  if (metadata === null) return others;
  if (typeof metadata !== 'object' || Array.isArray(metadata)) throw invalid('must be an object');
  const checked: [string, Scalar][] = [];
  for (const [key, value] of Object.entries(metadata as Record<string, unknown>)) {
    if (!isKey(key)) throw invalid(`has a key that is empty, longer than ${MAX_KEY} characters or not plain text`);
    if (value === null) continue;
    if (CREDENTIAL_KEY.test(key)) throw invalid(`.${key} is not for metadata: it would be shown to everybody`);
    if (!isScalar(value)) throw invalid(`.${key} must be a string, a number or a boolean`);
    if (!isValue(String(value))) throw invalid(`.${key} must be plain text of at most ${MAX_VALUE} characters`);
    checked.push([key, TEXT_KEYS.includes(key) ? String(value) : value]);
  }
  if (checked.length > MAX_KEYS) throw invalid(`may have ${MAX_KEYS} keys at most`);
  return { ...others, metadata: Object.fromEntries(checked) };
}

/** What can be searched for of a task, however it was made: what REST would refuse is left out, so this is small. */
export function searchableMetadata({ spec }: DeployTask): TaskMetadata | undefined {
  const metadata: unknown = spec.params?.metadata;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata)) return undefined;
  const entries = Object.entries(metadata)
    .filter((entry): entry is [string, Scalar] => isKey(entry[0]) && isScalar(entry[1]) && isValue(String(entry[1])))
    .slice(0, MAX_KEYS)
    .map(([key, value]): [string, string] => [key, String(value)]);
  return entries.length === 0 ? undefined : Object.fromEntries(entries);
}

/** The metadata as labels, as far as it can be. */
export function metadataLabels(params: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries((params['metadata'] ?? {}) as Record<string, Scalar>)
      .map(([key, value]) => [key, String(value)] as const)
      .filter(([key, value]) => LABEL.test(key) && LABEL.test(value))
      .map(([key, value]) => [LABEL_PREFIX + key, value]),
  );
}

/** The parameters `metadata.KEY` of a query: what a task must have exactly. Throws `InvalidRequest`. */
export function metadataOf(query: Readonly<Record<string, unknown>>): TaskMetadata {
  const asked = Object.entries(query).filter(([name]) => name.startsWith(QUERY_PREFIX));
  return Object.fromEntries(
    asked.map(([name, value]) => {
      if (typeof value !== 'string') throw new ApiError('InvalidRequest', `${name} may be given once`);
      return [name.slice(QUERY_PREFIX.length), value];
    }),
  );
}

const isKey = (key: string): boolean => key !== '' && key.length <= MAX_KEY && !CONTROLS.test(key);
const isValue = (value: string): boolean => value.length <= MAX_VALUE && !CONTROLS.test(value);
const isScalar = (value: unknown): value is Scalar =>
  typeof value === 'string' || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
const invalid = (text: string): ApiError =>
  new ApiError('InvalidRequest', `params.metadata${text.startsWith('.') ? '' : ' '}${text}`);
