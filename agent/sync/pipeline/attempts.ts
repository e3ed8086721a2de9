import type { Logger } from 'pino';
import { sleep } from '../../../kube/backoff.ts';
import { failureOf, PipelineFailure } from './pipeline-failure.ts';

export interface AttemptsOptions {
  /** How often in a row something may fail and be tried again. */
  readonly maxRetries: number;
  readonly retryDelayMs: number;
  readonly logger: Logger;
  /** Told of each failure that is tried again, and of each success. */
  readonly onTrouble?: ((failure: PipelineFailure | undefined) => void) | undefined;
}

/** Counts failures in a row, and waits between them. */
export class Attempts {
  readonly #options: AttemptsOptions;
  #failures = 0;

  constructor(options: AttemptsOptions) {
    this.#options = options;
  }

  succeeded(): void {
    this.#options.onTrouble?.(undefined);
    this.#failures = 0;
  }

  /**
   * Waits until it is time to try again, `delayMs` if given. Rejects with a `PipelineFailure` when it is not to be tried again, and
   * when the signal aborts.
   */
  async failed(err: unknown, what: string, signal: AbortSignal, delayMs?: number): Promise<void> {
    signal.throwIfAborted();
    const { maxRetries, retryDelayMs, logger } = this.#options;
    const failure = failureOf(err);
    if (!failure.retryable) throw failure;
    this.#failures += 1;
    if (this.#failures > maxRetries)
      throw new PipelineFailure(failure.reason, `${failure.message} (given up after ${maxRetries} retries)`, {
        retryable: true,
        cause: failure,
      });
    this.#options.onTrouble?.(failure);
    logger.warn({ err, failures: this.#failures }, `${what} failed and will be tried again`);
    await sleep(delayMs ?? retryDelayMs, signal);
    signal.throwIfAborted();
  }

  /** Does it until it succeeds, or must not be tried again. */
  async until<T>(what: string, call: () => Promise<T>, signal: AbortSignal): Promise<T> {
    for (;;) {
      try {
        const result = await call();
        this.succeeded();
        return result;
      } catch (err) {
        await this.failed(err, what, signal);
      }
    }
  }
}
