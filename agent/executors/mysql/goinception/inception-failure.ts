/** Where a statement stands in the task's text. */
export interface FailedStatement {
  readonly number: number;
  readonly text: string;
}

export interface FailureDetails {
  /** `Unknown`: goInception has the text and did not say what it made of it. */
  readonly state: 'Failed' | 'Unknown';
  /** One CamelCase word for the condition. */
  readonly reason: string;
  readonly statement?: FailedStatement;
  /** Whether the result lists it already as a row of goInception. */
  readonly listed?: boolean;
}

/** A text did not go through goInception as a whole. */
export class InceptionFailure extends Error {
  override readonly name = 'InceptionFailure';
  readonly details: FailureDetails;

  constructor(message: string, details: FailureDetails, options?: ErrorOptions) {
    super(message, options);
    this.details = details;
  }
}
