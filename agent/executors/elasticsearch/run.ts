import type { ExecOptions } from '../database/exec-options.ts';
import type { Outcome, OutputSink } from '../executor.ts';
import { failed } from '../executor.ts';
import { NoAnswer, NotElasticsearch } from './elasticsearch-client.ts';
import type { ElasticsearchClient } from './elasticsearch-client.ts';
import { Refused } from './server-error.ts';

/** What an operation needs while it runs. */
export interface Run {
  readonly client: ElasticsearchClient;
  /** For the log, without secrets, and the result. */
  readonly output: OutputSink;
  evidence(text: string): void;
  readonly options: ExecOptions;
  /** Aborts for the task's own reasons and at the end of `exec_options.timeout_ms`. */
  readonly signal: AbortSignal;
  /** The server shows it beside everything that it does for this run. */
  readonly opaqueId: string;
  /** How long a write that the server has begun may go on after an abort, in milliseconds. */
  readonly graceMs: number;
  readonly spoolFolder: string;
}

/**
 * How a failed operation is told. `writes`: when the connection is lost, nobody knows what the server did. Rethrows what
 * is no failure of the server, such as an abort.
 */
export function toOutcome(err: unknown, label: string, writes: boolean): Outcome {
  if (err instanceof Refused)
    return failed(err.reason, err.reason === 'AuthenticationFailed' ? err.message : `${label} failed: ${err.message}`);
  if (err instanceof NotElasticsearch) return failed('NotElasticsearch', `${label} failed: ${err.message}`);
  if (!(err instanceof NoAnswer)) throw err;
  if (!err.sent) return failed('ConnectionFailed', err.message);
  const doubt = writes ? '; the server may have done it or not' : '';
  return failed('ConnectionLost', `${label} failed: ${err.message}${doubt}`);
}
