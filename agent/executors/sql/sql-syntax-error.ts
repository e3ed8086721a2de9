/** A text cannot be split into statements: it holds a client's own command, or one statement without end. */
export class SqlSyntaxError extends Error {
  override readonly name = 'SqlSyntaxError';
  /** From 1: where the offending text begins. */
  readonly line: number;

  constructor(message: string, line: number) {
    super(message);
    this.line = line;
  }
}
