import { ApiError } from '../errors.ts';
import { CREDENTIAL_KEY } from './credentials.ts';

type Params = Readonly<Record<string, unknown>>;

/** What of the task's parameters says where it ran and who asked for it. */
const KEPT = ['connection', 'database', 'target', 'secret_ref', 'metadata', 'result_format', 'approve'] as const;
/** What of its execution still holds. Batches, pauses and their like are not the rollback's. */
const KEPT_OPTIONS = ['ledger', 'timeout_ms'] as const;

const CHANGEABLE = ['secret_ref', 'target', 'exec_options', 'metadata', 'result_format', 'approve'];
const CHANGEABLE_TARGET = ['user', 'secret_ref'];
const CHANGEABLE_OPTIONS = ['timeout_ms', 'sleep_ms', 'ledger', 'backup'];

/**
 * The parameters of the task that rolls another one back: on the same server as the same user, unless `changes` give other
 * credentials. `stored`: what the Secrets hold that the API made for the first task, by the place that names them.
 * Throws `InvalidRequest` when `changes` ask for more than a rollback may differ in.
 */
export function rollbackParams(
  of: { readonly name: string; readonly params: Params },
  changes: Params,
  stored: { readonly params?: Params; readonly target?: Params },
  force: boolean,
): Record<string, unknown> {
  // What the API server prunes must not take the place of what holds: an approval, a password.
  const change = withoutNulls(changes);
  checkChange(change, 'params', CHANGEABLE, true);
  const target = withoutNulls(objectOf(change, 'target'));
  checkChange(target, 'params.target', CHANGEABLE_TARGET, true);
  const options = withoutNulls(objectOf(change, 'exec_options'));
  checkChange(options, 'params.exec_options', CHANGEABLE_OPTIONS, false);

  const { target: _target, exec_options: _options, ...plain } = change;
  const keptOptions = { ...pick(objectOf(of.params, 'exec_options'), KEPT_OPTIONS), ...options };
  const params = withCredentials(pick(of.params, KEPT), stored.params, plain);
  const keptTarget = withCredentials(objectOf(of.params, 'target'), stored.target, target);
  return {
    ...params,
    ...(Object.keys(keptTarget).length > 0 && { target: keptTarget }),
    ...(Object.keys(keptOptions).length > 0 && { exec_options: keptOptions }),
    rollback_of: of.name,
    ...(force && { force: true }),
  };
}

/** Credentials that are given count; else the stored ones; else the Secret that is named. */
function withCredentials(kept: Params, stored: Params | undefined, given: Params): Record<string, unknown> {
  const { secret_ref: ref, ...rest } = kept;
  const givesOwn = given['secret_ref'] !== undefined || Object.keys(given).some((key) => CREDENTIAL_KEY.test(key));
  if (givesOwn) return { ...rest, ...given };
  return { ...rest, ...(stored ?? (ref !== undefined && { secret_ref: ref })), ...given };
}

function checkChange(change: Params, where: string, known: readonly string[], takesCredentials: boolean): void {
  for (const key of Object.keys(change))
    if (!known.includes(key) && !(takesCredentials && CREDENTIAL_KEY.test(key)))
      throw new ApiError(
        'InvalidRequest',
        `${where}.${key} may not be given: a rollback runs where the task ran, as it ran; only credentials and ${known.join(', ')} may differ`,
      );
}

function objectOf(params: Params, key: string): Params {
  const value = params[key];
  if (value === undefined || value === null) return {};
  if (typeof value === 'object' && !Array.isArray(value)) return value as Params;
  throw new ApiError('InvalidRequest', `params.${key} must be an object`);
}

const withoutNulls = (params: Params): Params =>
  Object.fromEntries(Object.entries(params).filter(([, value]) => value !== null && value !== undefined));

const pick = (params: Params, keys: readonly string[]): Record<string, unknown> =>
  Object.fromEntries(keys.filter((key) => params[key] !== undefined).map((key) => [key, params[key]]));
