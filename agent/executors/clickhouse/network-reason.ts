/** What OpenSSL says when what it hears is no TLS, or the other side hangs up on its first words. */
const NO_TLS = /wrong version number|packet length too long|disconnected before secure TLS/;

/** Why a connection failed or broke, in words for the task's author. */
export function networkReason(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  // Several addresses of one name give an error without a text of its own.
  if (err instanceof AggregateError && err.message === '' && err.errors.length > 0) return networkReason(err.errors[0]);
  return NO_TLS.test(err.message) ? 'the server does not speak TLS there' : err.message || err.name;
}
