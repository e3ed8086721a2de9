import { PusherError } from '../../pusher.ts';
import type { PusherFailure } from '../../pusher.ts';

/** What a consumer answered, with its secrets taken out of `detail`. */
export interface FailedAnswer {
  readonly status: number;
  /** The call, such as `POST http://host/batch`. */
  readonly call: string;
  /** The beginning of what the consumer says of it. */
  readonly detail: string;
  readonly location: string | undefined;
}

/** What an answer that is no success means for the session. */
export function answerFailure({ status, call, detail, location }: FailedAnswer): PusherError {
  if (status < 400)
    return new PusherError(
      'ConfigurationInvalid',
      `${call} is redirected${location === undefined ? '' : ` to ${location}`} (HTTP ${status}); ` +
        'logins and rows do not follow redirects: put the final address into the endpoint',
      { retryable: false, status },
    );
  const [reason, retryable] = failureOf(status);
  return new PusherError(reason, `${call} was answered with HTTP ${status}${detail === '' ? '' : `: ${detail}`}`, {
    retryable,
    status,
  });
}

function failureOf(status: number): [reason: PusherFailure, retryable: boolean] {
  if (status === 419) return ['SessionObsolete', false];
  if (status === 401 || status === 403) return ['AuthenticationFailed', false];
  if (status === 408 || status === 425 || status === 429 || status >= 500) return ['ConsumerUnavailable', true];
  // Whoever mends the consumer does not have to touch anything here.
  return ['ConsumerRefused', true];
}
