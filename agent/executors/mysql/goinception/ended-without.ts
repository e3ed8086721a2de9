import { ExecutionTimeout } from '../../database/deadline.ts';
import type { BlockEnd } from './block-run.ts';
import type { GoInceptionSettings } from './goinception-settings.ts';
import { InceptionFailure } from './inception-failure.ts';

export interface EndedWithoutContext {
  readonly mode: 'check' | 'execute';
  readonly settings: GoInceptionSettings;
  readonly signal: AbortSignal;
}

/** What is to be said when goInception gave no answer. An abort before it had the text is the signal's own reason. */
export function endedWithout(
  end: Exclude<BlockEnd, { kind: 'answered' }>,
  { mode, settings: { host, port }, signal }: EndedWithoutContext,
): unknown {
  const { error } = end;
  const place = `goInception ${host}:${port}`;
  if (end.kind === 'refused') {
    if (error === signal.reason) return error;
    const message = error.message === '' ? error.name : error.message;
    return end.sent
      ? new InceptionFailure(
          `${place} refused the text: ${message}`,
          { state: 'Failed', reason: 'AuditFailed' },
          { cause: error },
        )
      : new InceptionFailure(
          `connection failed: ${place}: ${message}`,
          { state: 'Failed', reason: 'ConnectionFailed' },
          { cause: error },
        );
  }
  if (mode === 'check') {
    if (error === signal.reason) return error;
    return new InceptionFailure(
      `the connection to ${place} was lost during the audit: ${error.message}`,
      { state: 'Failed', reason: 'ConnectionLost' },
      { cause: error },
    );
  }
  const seen =
    end.last === undefined
      ? 'how far it had come was not seen'
      : end.last.state === 'BACKUP'
        ? `when last seen it had executed the statements and was backing them up (${end.last.percent}): their rollback SQL is lost`
        : `when last seen it was ${end.last.state} (${end.last.percent})`;
  const asked = 'it was told to end after the statement that it was executing';
  const aborted = error === signal.reason;
  return new InceptionFailure(
    aborted
      ? `${error.message}: ${place} does not answer; ${seen}; ${asked}`
      : `the connection to ${place} was lost before it answered (${error.message}); ${seen}; ${asked}`,
    {
      state: 'Unknown',
      reason: aborted ? (error instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted') : 'ConnectionLost',
    },
    { cause: error },
  );
}
