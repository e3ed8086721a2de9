import { ApiError } from '../errors.ts';
import { anyObject, flag, integer, list, object, oneOf, optional, text } from './body-check.ts';
import type { Check, Checked, Problem, Shape } from './body-check.ts';

const apiKeyCredential = object({ user: optional(text), key: text }, { exact: true });
const passwdCredential = object({ user: text, passwd: optional(text) }, { exact: true });

/** A login as it is sent: of a key, or of a user who may have a password (facts §1.2). */
export type SentCredential =
  | { readonly user: string | undefined; readonly key: string }
  | { readonly user: string; readonly passwd: string | undefined };

/** A key is looked for first, as the original does. */
const credential: Check<SentCredential | undefined> = (value, loc, problems) => {
  // Said outright: there is none.
  if (value === null) return undefined;
  const ofKey: Problem[] = [];
  const withKey = apiKeyCredential(value, [...loc, 'ApiKeyCredential'], ofKey);
  if (ofKey.length === 0) return withKey;
  const ofPasswd: Problem[] = [];
  const withPasswd = passwdCredential(value, [...loc, 'PasswdCredential'], ofPasswd);
  if (ofPasswd.length === 0) return withPasswd;
  problems.push(...ofKey, ...ofPasswd);
  return undefined;
};

const retrying = { max_retries: optional(integer), retry_delay_sec: optional(integer), disabled: optional(flag) };
const login = { credential, secret_ref: optional(text) };

const sourceShape = {
  ...{ driver: text, uri: text },
  ...login,
  ...{ max_queue_size: optional(integer), ...retrying, driver_params: optional(anyObject) },
};
const pusherShape = {
  ...{ driver: text, endpoint: text },
  ...login,
  ...{ batch_size: optional(integer), ...retrying, driver_params: optional(anyObject) },
};
const syncShape = {
  source: text,
  pusher: text,
  disabled: optional(flag),
  fields_mapping: optional(list(object({ to: text, source: list(text), required: optional(flag) }))),
  ...{ agent: optional(text), onPositionLost: optional(oneOf('Snapshot', 'Fail', 'SkipToLatest')) },
  desiredState: optional(oneOf('Running', 'Stopped')),
};

export type SourceBody = Checked<typeof sourceShape>;
export type PusherBody = Checked<typeof pusherShape>;
export type SyncBody = Checked<typeof syncShape>;

/** `discovered_fields` goes beside the configuration, not into it. */
export interface SourceRequest {
  readonly config: SourceBody;
  readonly discovered_fields: Record<string, unknown> | undefined;
}

const sourceRequest = { discovered_fields: optional(anyObject) };
const newSource = object({ config: withLogin(sourceShape), ...sourceRequest });
const newPusher = object({ config: withLogin(pusherShape) });
// An edit that leaves the login out leaves it as it is.
const editedSource = object({ config: object({ ...sourceShape, credential: optional(credential) }), ...sourceRequest });
const editedPusher = object({ config: object({ ...pusherShape, credential: optional(credential) }) });
const syncRequest = object(syncShape);

export const readNewSource = (body: unknown): SourceRequest => checked(newSource, body);
export const readEditedSource = (body: unknown): SourceRequest => checked(editedSource, body);
export const readNewPusher = (body: unknown): PusherBody => checked(newPusher, body).config;
export const readEditedPusher = (body: unknown): PusherBody => checked(editedPusher, body).config;
export const readSync = (body: unknown): SyncBody => checked(syncRequest, body);

/** Whoever names a Secret need send no login. */
function withLogin<S extends Shape & typeof login>(shape: S): Check<Checked<S>> {
  const strict = object(shape);
  const lenient = object({ ...shape, credential: optional(credential) }) as Check<unknown> as typeof strict;
  return (value, loc, problems) => {
    const named = (value as { secret_ref?: unknown } | null | undefined)?.secret_ref;
    return (named === undefined || named === null ? strict : lenient)(value, loc, problems);
  };
}

/** Answers may repeat what they are about for each. */
const MAX_PROBLEMS = 100;

/** Throws `ValidationFailed`, whose detail lists everything that is wrong. */
export function checked<T>(check: Check<T>, body: unknown): T {
  const problems: Problem[] = [];
  if (body === undefined)
    throw validationFailed([{ type: 'missing', loc: ['body'], msg: 'Field required', input: null }]);
  const result = check(body, ['body'], problems);
  if (problems.length > 0) throw validationFailed(problems);
  return result;
}

export const validationFailed = (problems: readonly Problem[]): ApiError =>
  new ApiError('ValidationFailed', undefined, { details: { detail: problems.slice(0, MAX_PROBLEMS) } });
