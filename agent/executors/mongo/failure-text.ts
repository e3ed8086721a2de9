import { MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb';

const AUTHENTICATION_CODES: readonly unknown[] = [11, 18, 334];

/** The login was refused. */
export const isLoginRefused = (err: unknown): boolean =>
  err instanceof MongoServerError &&
  (AUTHENTICATION_CODES.includes(err.code) || err.codeName === 'AuthenticationFailed');

/** The connection broke: nobody knows what the server did with what was sent. */
export const isConnectionLost = (err: unknown): boolean =>
  err instanceof MongoNetworkError && !(err instanceof MongoServerSelectionError);

/** What went wrong, in one line. */
export function failureText(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const inner = err.message === '' ? err.cause : undefined;
  return inner === undefined ? err.message || err.name : failureText(inner);
}
