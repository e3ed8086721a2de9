/**
 * Thrown by a reconciler when trying again cannot help until a person changes the object. `reason` is a CamelCase word
 * that may stand in a condition.
 */
export class TerminalError extends Error {
  override readonly name = 'TerminalError';
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
