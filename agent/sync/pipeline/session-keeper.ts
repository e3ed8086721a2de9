import type { PipelineOptions, PipelineTimes } from './pipeline-options.ts';
import { Attempts } from './attempts.ts';
import { LiveSession } from './live-session.ts';
import { failureOf, PipelineFailure } from './pipeline-failure.ts';
import type { PipelineStatus } from './pipeline-status.ts';

/** Opens the sessions of a pipeline, one after the other. */
export class SessionKeeper {
  readonly #options: PipelineOptions;
  readonly #times: PipelineTimes;
  readonly #attempts: Attempts;

  constructor(options: PipelineOptions, times: PipelineTimes, status: PipelineStatus) {
    this.#options = options;
    this.#times = times;
    const { maxRetries, retryDelayMs } = options.pusherConfig;
    const onTrouble = status.trouble.bind(status, 'session');
    this.#attempts = new Attempts({ maxRetries, retryDelayMs, logger: options.logger, onTrouble });
  }

  /**
   * A new session, if the task is still ours: a consumer takes the newest for the right one. Undefined: it is not. `stop` ends the
   * opening, `cut` the pushes of the session.
   */
  async open(stop: AbortSignal, cut: AbortSignal): Promise<LiveSession | undefined> {
    for (;;) {
      try {
        if (!(await this.#mayOpen(stop))) return undefined;
        return await this.#open(stop, cut);
      } catch (err) {
        await this.#attempts.failed(err, 'opening a session', stop);
      }
    }
  }

  /** Heartbeats found the session gone: the next is opened now, or after a pause when it was young. */
  async lost(err: unknown, session: LiveSession, stop: AbortSignal): Promise<void> {
    const { retryDelayMs } = this.#options.pusherConfig;
    if (performance.now() - session.openedAt >= retryDelayMs) return;
    await this.#attempts.failed(err, 'keeping a session', stop);
  }

  async #mayOpen(signal: AbortSignal): Promise<boolean> {
    try {
      return await this.#options.mayOpenSession(signal);
    } catch (err) {
      const message = `whether the task is still assigned to this agent cannot be read: ${failureOf(err).message}`;
      throw new PipelineFailure('AssignmentUnknown', message, { retryable: true, cause: err });
    }
  }

  async #open(stop: AbortSignal, cut: AbortSignal): Promise<LiveSession> {
    const { pusher, pusherConfig, taskId, logger } = this.#options;
    const session = await pusher.openSession(taskId, stop);
    let committed: number;
    try {
      committed = await session.committedIndex(stop);
    } catch (err) {
      await session.close(AbortSignal.timeout(this.#times.closeMs)).catch(() => undefined);
      throw err;
    }
    logger.info({ session: session.id, committed }, 'a session with the consumer is open');
    return new LiveSession(
      session,
      committed,
      { ...pusherConfig, closeMs: this.#times.closeMs, logger, onAlive: () => this.#attempts.succeeded() },
      cut,
    );
  }
}
