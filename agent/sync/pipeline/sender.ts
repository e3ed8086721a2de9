import { PusherError } from '../pusher.ts';
import type { PushAnswer, PushBatch } from '../pusher.ts';
import { Attempts } from './attempts.ts';
import { isObsolete } from './live-session.ts';
import type { LiveSession } from './live-session.ts';
import { PipelineFailure } from './pipeline-failure.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import type { PipelineStatus } from './pipeline-status.ts';
import { endsSession, inNewSession } from './session-end.ts';
import type { SessionKeeper } from './session-keeper.ts';

export interface SenderOptions {
  readonly options: PipelineOptions;
  readonly keeper: SessionKeeper;
  readonly status: PipelineStatus;
  /** Nothing new is begun any more. */
  readonly stop: AbortSignal;
  /** A push that is under way is given up. */
  readonly cut: AbortSignal;
}

/** Why a session could not be followed by another. */
export type SenderEnd =
  /** The task is not ours any more. */
  | 'Lost'
  /** The consumer has less than it had acknowledged. */
  | 'PutBack';

/** Pushes one batch after the other, in one session after the other. */
export class Sender {
  readonly #options: SenderOptions;
  readonly #attempts: Attempts;
  #live: LiveSession;
  #end: SenderEnd | undefined;
  #sentIndex: number;
  #heard = false;

  constructor(live: LiveSession, options: SenderOptions) {
    this.#live = live;
    this.#sentIndex = live.committedIndex;
    this.#options = options;
    const { maxRetries, retryDelayMs } = options.options.pusherConfig;
    const onTrouble = options.status.trouble.bind(options.status, 'push');
    this.#attempts = new Attempts({ maxRetries, retryDelayMs, logger: options.options.logger, onTrouble });
  }

  get live(): LiveSession {
    return this.#live;
  }

  /** Set when nothing can be sent any more. */
  get end(): SenderEnd | undefined {
    return this.#end;
  }

  /** The consumer has all messages up to here. */
  get sentIndex(): number {
    return this.#sentIndex;
  }

  /** Whether the consumer has answered a message of this session, and so could ask for a snapshot. */
  get wasHeard(): boolean {
    return this.#heard;
  }

  /** The consumer has the messages up to this index. */
  acknowledged(index: number): void {
    this.#sentIndex = Math.max(this.#sentIndex, index);
  }

  /** The answer, or the error that `recover` is to see to. */
  async send(batch: PushBatch, rows: number): Promise<PushAnswer | Error> {
    const begun = performance.now();
    try {
      const answer = await this.#live.session.push(batch, this.#live.signal);
      this.#heard ||= batch.sourceType === 'message';
      this.#attempts.succeeded();
      this.#options.status.pushed(rows, (performance.now() - begun) / 1000);
      return answer;
    } catch (err) {
      this.#options.status.pushFailed();
      return err instanceof Error ? err : new Error(String(err));
    }
  }

  /**
   * Waits until it is time to try again, in a new session where it must be. Rejects with the `PipelineFailure` that ends the
   * pipeline, or when the signals abort.
   */
  async recover(err: Error): Promise<void> {
    const { stop, cut } = this.#options;
    cut.throwIfAborted();
    if (this.#live.signal.aborted) return this.#followLost(this.#live.signal.reason);
    const over = endsSession(err);
    const young = performance.now() - this.#live.openedAt < this.#options.options.pusherConfig.retryDelayMs;
    const failure = over && err instanceof PusherError ? inNewSession(err) : err;
    await this.#attempts.failed(failure, 'a push', stop, isObsolete(err) && !young ? 0 : undefined);
    if (over) await this.#follow();
  }

  /** Whether the session knows by itself that it is over; then it is followed by another. */
  async checkSession(): Promise<boolean> {
    if (!this.#live.signal.aborted) return false;
    this.#options.cut.throwIfAborted();
    await this.#followLost(this.#live.signal.reason);
    return true;
  }

  /** Asks the consumer whether the session is still the right one. */
  async isCurrent(): Promise<boolean> {
    try {
      await this.#live.session.heartbeat(this.#live.signal);
      return true;
    } catch (err) {
      return !endsSession(err) && !this.#live.signal.aborted;
    }
  }

  /** Whether after this error the session is of no more use. */
  isOver(err: Error): boolean {
    return this.#live.signal.aborted || endsSession(err);
  }

  async #followLost(reason: unknown): Promise<void> {
    if (reason instanceof PipelineFailure) throw reason;
    await this.#options.keeper.lost(reason, this.#live, this.#options.stop);
    await this.#follow();
  }

  async #follow(): Promise<void> {
    const { keeper, stop, cut } = this.#options;
    await this.#live.close();
    const next = await keeper.open(stop, cut);
    if (next === undefined) {
      this.#end = 'Lost';
      return;
    }
    this.#live = next;
    this.#heard = false;
    if (next.committedIndex < this.#sentIndex) this.#end = 'PutBack';
    this.#sentIndex = next.committedIndex;
  }
}
