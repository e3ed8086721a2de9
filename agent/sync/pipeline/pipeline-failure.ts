import { PusherError } from '../pusher.ts';
import { PositionLostError, SourceError } from '../source.ts';

/** `SyncTask.status` takes twice as much. */
const MAX_MESSAGE = 2_000;

/** What ends a pipeline. The message is for a person and holds no secret. */
export class PipelineFailure extends Error {
  override readonly name = 'PipelineFailure';
  /** One CamelCase word. */
  readonly reason: string;
  /** Whether the same may succeed later with nothing changed here. */
  readonly retryable: boolean;
  /** What `status.info` says, where that is another text. */
  readonly info: string;

  constructor(
    reason: string,
    message: string,
    options: { readonly retryable: boolean; readonly info?: string; readonly cause?: unknown },
  ) {
    super(message.slice(0, MAX_MESSAGE), options.cause === undefined ? undefined : { cause: options.cause });
    this.reason = reason;
    this.retryable = options.retryable;
    this.info = options.info ?? this.message;
  }
}

/** What an error of a source, of a pusher or of ours means for the pipeline. */
export function failureOf(err: unknown): PipelineFailure {
  if (err instanceof PipelineFailure) return err;
  if (err instanceof PusherError || err instanceof SourceError) {
    // A session that is over is followed by a new one.
    const retryable = err.retryable || err.reason === 'SessionObsolete';
    return new PipelineFailure(err.reason, err.message, { retryable, cause: err });
  }
  if (err instanceof PositionLostError)
    return new PipelineFailure('PositionLost', err.message, { retryable: false, cause: err });
  const message = err instanceof Error ? err.message : String(err);
  return new PipelineFailure('InternalError', `主控制循环崩溃: ${message}`, { retryable: true, cause: err });
}
