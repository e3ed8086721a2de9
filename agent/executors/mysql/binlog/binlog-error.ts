/**
 * `AccessDenied`: the login may not read the log. `Unavailable`: no connection, or lost. `NotInLog`: what was looked for
 * is not there (any more). `TimedOut`: the wait was longer than allowed. `Malformed`: bytes that make no sense, or that
 * only a newer server writes.
 */
export type BinlogReason = 'AccessDenied' | 'Unavailable' | 'NotInLog' | 'TimedOut' | 'Malformed';

/** The binary log could not be read. The message is for the task's author, and holds no secret. */
export class BinlogError extends Error {
  override readonly name = 'BinlogError';
  readonly reason: BinlogReason;

  constructor(reason: BinlogReason, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
