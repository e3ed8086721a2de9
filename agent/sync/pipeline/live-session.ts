import type { Logger } from 'pino';
import { sleep } from '../../../kube/backoff.ts';
import { withTimeout } from '../../../kube/with-timeout.ts';
import { PusherError } from '../pusher.ts';
import type { PushSession } from '../pusher.ts';
import { Attempts } from './attempts.ts';
import { failureOf, PipelineFailure } from './pipeline-failure.ts';

export interface LiveSessionOptions {
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly closeMs: number;
  readonly logger: Logger;
  /** Called when the consumer has heard of the session. */
  readonly onAlive: () => void;
}

const HEARTBEAT_FAILED = '心跳失败，同步任务停止。';

/** Whether the consumer says that a newer session has taken this one's place. */
export const isObsolete = (err: unknown): boolean => err instanceof PusherError && err.reason === 'SessionObsolete';

/** A session and its heartbeats. */
export class LiveSession {
  readonly session: PushSession;
  /** The consumer's position when the session began. */
  readonly committedIndex: number;
  /** Of `performance.now()`. */
  readonly openedAt = performance.now();
  /** Aborts when the session is over or its pushes must end; the reason is the error that ended it. */
  readonly signal: AbortSignal;
  readonly #options: LiveSessionOptions;
  readonly #over = new AbortController();
  readonly #beating: Promise<void>;

  /** `signal`: when it aborts, pushes must end. */
  constructor(session: PushSession, committedIndex: number, options: LiveSessionOptions, signal: AbortSignal) {
    this.session = session;
    this.committedIndex = committedIndex;
    this.#options = options;
    this.signal = AbortSignal.any([signal, this.#over.signal]);
    this.#beating = this.#beat();
  }

  /** Lets the consumer forget the session, if it answers in time. Never rejects. */
  async close(): Promise<void> {
    const { closeMs, logger } = this.#options;
    const obsolete = this.signal.aborted && isObsolete(this.signal.reason);
    this.#over.abort(new Error('the session is closed'));
    await this.#beating;
    if (obsolete) return;
    await withTimeout((signal) => this.session.close(signal), closeMs).catch((err: unknown) => {
      logger.info({ err }, 'the session could not be closed; the consumer ends it by itself');
    });
  }

  async #beat(): Promise<void> {
    const { signal } = this;
    const attempts = new Attempts(this.#options);
    while (!signal.aborted) {
      try {
        await this.session.heartbeat(signal);
        attempts.succeeded();
        this.#options.onAlive();
      } catch (err) {
        if (isObsolete(err)) this.#over.abort(err);
        else await this.#heartbeatFailed(attempts, err);
        continue;
      }
      await sleep(this.#intervalMs, signal);
    }
  }

  /** In time for a consumer that suggests an interval as long as its patience. */
  get #intervalMs(): number {
    const { heartbeatIntervalMs, timeoutMs = Infinity } = this.session;
    return Math.min(heartbeatIntervalMs, timeoutMs / 2);
  }

  async #heartbeatFailed(attempts: Attempts, err: unknown): Promise<void> {
    try {
      await attempts.failed(err, 'a heartbeat', this.signal);
    } catch (last) {
      if (this.signal.aborted) return;
      const { message, retryable } = failureOf(last);
      const options = { retryable, info: HEARTBEAT_FAILED, cause: last };
      this.#over.abort(new PipelineFailure('HeartbeatFailed', `${HEARTBEAT_FAILED}(${message})`, options));
    }
  }
}
