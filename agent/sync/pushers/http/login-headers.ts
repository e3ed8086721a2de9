import type { Credential } from '../../../executors/executor.ts';
import { PusherError } from '../../pusher.ts';

export interface Login {
  /** For every call: `authorization`, and `x-api-key` of a key. Empty without a login. */
  readonly headers: Readonly<Record<string, string>>;
  /** What may not be shown. */
  readonly secrets: readonly string[];
}

/** How a credential is shown to consumers (facts §1.8). Throws a `PusherError` for one that cannot be shown. */
export function loginOf(credential: Credential | undefined): Login {
  const { key, user, passwd = '' } = credential?.data ?? {};
  if (key !== undefined) {
    // Which character it is is not told: the key may not be shown.
    if (!/^[\t\x20-\x7e\x80-\xff]+$/.test(key))
      throw invalid('the key is empty or has a character that no header may have');
    return { headers: { 'x-api-key': key, authorization: `Bearer ${key}` }, secrets: [key] };
  }
  if (user === undefined) return { headers: {}, secrets: [] };
  if (user.includes(':')) throw invalid('a user with a colon in its name cannot log in by HTTP');
  const pair = Buffer.from(`${user}:${passwd}`).toString('base64');
  return { headers: { authorization: `Basic ${pair}` }, secrets: passwd === '' ? [] : [passwd, pair] };
}

const invalid = (message: string): PusherError =>
  new PusherError('ConfigurationInvalid', `the pusher's credential cannot be used: ${message}`, { retryable: false });
