/** The work of a task cannot be done. The message is for the task's author, and holds no secret. */
export class TaskFailure extends Error {
  override readonly name: string = 'TaskFailure';
  /** One CamelCase word: the reason of the task's condition. */
  readonly reason: string;

  constructor(reason: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.reason = reason;
  }
}
