/** A command that cannot be. */
export class CommandError extends Error {
  override readonly name = 'CommandError';
}
