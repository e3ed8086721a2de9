import { ApiError } from '../../tiangong-api.ts';
import { PusherError } from '../pusher.ts';
import type { PipelineError, PipelineEnd } from '../pipeline/pipeline-report.ts';
import { SourceError } from '../source.ts';

/** What keeps a pipeline from being made. */
export class RunFailure extends Error {
  override readonly name = 'RunFailure';
  readonly reason: string;
  /** Whether the same may succeed later with nothing changed here. */
  readonly retryable: boolean;

  constructor(reason: string, message: string, retryable: boolean) {
    super(message);
    this.reason = reason;
    this.retryable = retryable;
  }
}

/** How an attempt ended. `isEarly`: before there was a pipeline, for want of something that may come any moment. */
export type AttemptEnd = PipelineEnd & { readonly isEarly?: boolean };

/** How an attempt ended that failed before there was a pipeline. */
export function failedEnd(err: unknown): AttemptEnd {
  const { reason, retryable } = kindOf(err);
  const message = err instanceof Error ? err.message : String(err);
  const error: PipelineError = { reason, message: message.slice(0, 4096), time: new Date().toISOString() };
  return { kind: 'Failed', error, retryable, isEarly: true };
}

function kindOf(err: unknown): { reason: string; retryable: boolean } {
  if (err instanceof RunFailure || err instanceof SourceError || err instanceof PusherError) return err;
  // A Secret may come later than what names it.
  if (err instanceof ApiError) return { reason: 'CredentialUnavailable', retryable: true };
  return { reason: 'InternalError', retryable: true };
}
