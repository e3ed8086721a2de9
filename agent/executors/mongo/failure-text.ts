import { MongoNetworkError, MongoServerError, MongoServerSelectionError } from 'mongodb';

const AUTHENTICATION_CODES: readonly unknown[] = [11, 18, 334];

/** The login was refused. */
export const isLoginRefused = (err: unknown): boolean =>
  err instanceof MongoServerError &&
  (AUTHENTICATION_CODES.includes(err.code) || err.codeName === 'AuthenticationFailed');

/** The server cannot be reached any more; `unclear`: nobody knows what it did with what was sent. */
export function connectionLoss(err: unknown): { readonly unclear: boolean } | undefined {
  if (err instanceof MongoServerSelectionError) return { unclear: false };
  return err instanceof MongoNetworkError ? { unclear: true } : undefined;
}

/** What went wrong, in one line. */
export function failureText(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const inner = err.message === '' ? err.cause : undefined;
  return inner === undefined ? err.message || err.name : failureText(inner);
}
