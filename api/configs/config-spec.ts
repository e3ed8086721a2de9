import type { SyncPusherSpec } from '../../kube/types/syncpusher.ts';
import type { SyncSourceSpec } from '../../kube/types/syncsource.ts';
import type { SyncTaskSpec } from '../../kube/types/synctask.ts';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_KEY } from '../tasks/credentials.ts';
import { holdsLogin } from './mask.ts';
import type { PusherBody, SourceBody, SyncBody } from './config-body.ts';

/** What of a spec the request says; the rest of it is its id and its login. */
export type SourceFields = Omit<SyncSourceSpec, 'id' | 'secret_ref' | 'credential'>;
export type PusherFields = Omit<SyncPusherSpec, 'id' | 'secret_ref' | 'credential'>;
export type SyncFields = Omit<SyncTaskSpec, 'id'>;

/** The defaults are the CRD's. Throws `InvalidConfig`. */
export function sourceFields(body: SourceBody): SourceFields {
  const { driver, uri, max_queue_size, max_retries, retry_delay_sec, disabled, driver_params } = body;
  requirePositive({ max_queue_size, max_retries, retry_delay_sec });
  refuseLogins({ uri }, driver_params);
  return withoutMissing({ driver, uri, max_queue_size, max_retries, retry_delay_sec, disabled, driver_params });
}

/** Like `sourceFields`. */
export function pusherFields(body: PusherBody): PusherFields {
  const { driver, endpoint, batch_size, max_retries, retry_delay_sec, disabled, driver_params } = body;
  requirePositive({ batch_size, max_retries, retry_delay_sec });
  refuseLogins({ endpoint }, driver_params);
  return withoutMissing({ driver, endpoint, batch_size, max_retries, retry_delay_sec, disabled, driver_params });
}

/** Like `sourceFields`; `source` and `pusher` are names of objects. */
export function syncFields(body: SyncBody, { source, pusher }: { source: string; pusher: string }): SyncFields {
  const { disabled, agent, onPositionLost, desiredState, fields_mapping } = body;
  const mapping = fields_mapping?.map((field) => withoutMissing(field));
  return withoutMissing({ source, pusher, disabled, agent, onPositionLost, desiredState, fields_mapping: mapping });
}

function requirePositive(numbers: Readonly<Record<string, number | undefined>>): void {
  for (const [name, value] of Object.entries(numbers))
    if (value !== undefined && value <= 0) throw new ApiError('InvalidConfig', `${name} must be positive`);
}

/** Whoever may read configurations, or the tasks that try them, would read these. Throws `InvalidConfig`. */
export function refuseLogins(
  address: Readonly<Record<string, string | undefined>>,
  params: Record<string, unknown> | undefined,
): void {
  for (const [name, value = ''] of Object.entries(address))
    if (holdsLogin(value)) throw new ApiError('InvalidConfig', `${name} may hold no login: give it in credential`);
  const found = findLogin(params, 'driver_params');
  if (found !== undefined) throw new ApiError('InvalidConfig', `${found} may hold no login: give it in credential`);
}

function findLogin(value: unknown, path: string): string | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, member] of Object.entries(value)) {
    const place = `${path}.${key}`;
    if (isLoginKey(key)) return place;
    const found = findLogin(member, place);
    if (found !== undefined) return found;
  }
  return undefined;
}

const isLoginKey = (key: string): boolean =>
  CREDENTIAL_KEY.test(key) || /^(secret_access_key|access_key_secret|credentials?)$/i.test(key);

type WithoutMissing<T> = { [Key in keyof T as undefined extends T[Key] ? never : Key]: T[Key] } & {
  [Key in keyof T as undefined extends T[Key] ? Key : never]?: Exclude<T[Key], undefined>;
};

function withoutMissing<T extends object>(fields: T): WithoutMissing<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as WithoutMissing<T>;
}
