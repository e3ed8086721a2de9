import type { Subscription } from '../event-bus.ts';
import { PositionLostError } from '../source.ts';
import type { Checkpoint, SourcePosition } from '../stream-entry.ts';
import { Attempts } from './attempts.ts';
import { PipelineFailure } from './pipeline-failure.ts';
import type { PipelineOptions } from './pipeline-options.ts';
import type { PositionLoss } from './pipeline-report.ts';
import type { PipelineStatus } from './pipeline-status.ts';
import type { Snapshots } from './snapshots.ts';
import { startPoint } from './start-point.ts';
import type { StartPoint } from './start-point.ts';

/** A stream that has begun. */
export interface BegunStream {
  readonly subscription: Subscription;
  /** Everything up to here is the consumer's; undefined: the stream began now, its first entries say where. */
  readonly startPosition: SourcePosition | undefined;
  /** It follows from no checkpoint. */
  readonly isNew: boolean;
}

/** What the consumer has. */
export interface ConsumerPlace {
  /** −1: nothing. */
  readonly position: number;
  /** It is known to have had more, as when it was restored from a backup. */
  readonly isPutBack: boolean;
}

/** Conditions take more. */
const MAX_MESSAGE = 2_000;
/** A stream that lived for so long did not lose its position because it could not begin. */
const STABLE_MS = 60_000;

/** Begins streams where the consumer's position asks for it, and decides what follows when that cannot be. */
export class StreamBeginner {
  readonly #options: PipelineOptions;
  readonly #status: PipelineStatus;
  readonly #losses: Attempts;
  #loss: PositionLostError | undefined;
  #begunAt = 0;
  #resumed = false;

  constructor(options: PipelineOptions, status: PipelineStatus) {
    this.#options = options;
    this.#status = status;
    this.#losses = new Attempts({ ...options.sourceConfig, logger: options.logger });
  }

  /** Rejects with a `PipelineFailure`, or when the signal aborts. */
  async begin(
    { position, isPutBack }: ConsumerPlace,
    wanted: readonly string[] | undefined,
    snapshots: Snapshots,
    signal: AbortSignal,
  ): Promise<BegunStream> {
    let start: StartPoint =
      this.#loss === undefined
        ? startPoint(this.#status.checkpoints, position)
        : { kind: 'Lost', message: this.#loss.message };
    this.#loss = undefined;
    if (start.kind === 'Resume') {
      const { checkpoint } = start;
      const hadMore = isPutBack || checkpoint !== this.#status.checkpoints[0];
      const begun = await this.#resume(checkpoint, position, wanted, snapshots, signal);
      if (!(begun instanceof PositionLostError)) {
        // What it lost of the changes comes again; of the rows nobody knows.
        if (hadMore && snapshots.mayLack(checkpoint.time)) snapshots.restart('PositionLost');
        return begun;
      }
      start = { kind: 'Lost', message: begun.message };
    }
    const loss = start.kind === 'Lost' ? this.#decide(start.message) : undefined;
    const subscription = await this.#subscribe(undefined, position, wanted, signal);
    // Told together: a checkpoint of the new stream says that nothing is missing but what the snapshot brings.
    this.#status.began([], position, loss);
    if (loss?.reason === 'SnapshotNeeded') snapshots.restart('PositionLost');
    else if (start.kind === 'FirstStart' && this.#wantsFirstSnapshot) snapshots.restart('FirstStart');
    return { subscription, startPosition: undefined, isNew: true };
  }

  /** The stream has lost its place while it ran: the next begins anew. Rejects when that happens again and again. */
  async lost(err: PositionLostError, signal: AbortSignal): Promise<void> {
    if (performance.now() - this.#begunAt > STABLE_MS) this.#losses.succeeded();
    const failure = new PipelineFailure('PositionLost', err.message, { retryable: true, cause: err });
    await this.#losses.failed(failure, 'streaming', signal);
    this.#loss = err;
  }

  async #resume(
    checkpoint: Checkpoint,
    position: number,
    wanted: readonly string[] | undefined,
    snapshots: Snapshots,
    signal: AbortSignal,
  ): Promise<BegunStream | PositionLostError> {
    let subscription: Subscription;
    try {
      subscription = await this.#subscribe(checkpoint, position, wanted, signal);
    } catch (err) {
      if (err instanceof PositionLostError) return err;
      throw err;
    }
    const { checkpoints } = this.#status;
    this.#status.began(checkpoints.slice(checkpoints.indexOf(checkpoint)), position, undefined);
    if (!this.#resumed) snapshots.resume();
    this.#resumed = true;
    return { subscription, startPosition: checkpoint.position, isNew: false };
  }

  async #subscribe(
    checkpoint: Checkpoint | undefined,
    afterIndex: number,
    wanted: readonly string[] | undefined,
    signal: AbortSignal,
  ): Promise<Subscription> {
    const { subscribe, syncId, sourceConfig, logger } = this.#options;
    const onTrouble = this.#status.trouble.bind(this.#status, 'stream');
    const attempts = new Attempts({ ...sourceConfig, logger, onTrouble });
    const options = { subscriber: syncId, checkpoint, afterIndex, wanted };
    let loss: PositionLostError | undefined;
    const subscription = await attempts.until(
      'subscribing to the source',
      () =>
        subscribe(options, signal).catch((err: unknown) => {
          if (!(err instanceof PositionLostError)) throw err;
          loss = err;
          return undefined;
        }),
      signal,
    );
    if (loss !== undefined) throw loss;
    if (subscription === undefined) throw new Error('a bus gave no subscription');
    this.#begunAt = performance.now();
    return subscription;
  }

  #decide(told: string): PositionLoss {
    const message = told.slice(0, MAX_MESSAGE);
    const { onPositionLost, logger } = this.#options;
    logger.warn({ onPositionLost }, `changes of the source were missed: ${message}`);
    if (onPositionLost === 'Snapshot')
      return { reason: 'SnapshotNeeded', message: `${message}; a snapshot brings what was missed` };
    if (onPositionLost === 'SkipToLatest')
      return { reason: 'Skipped', message: `${message}; what happened until now is left out, as onPositionLost asks` };
    this.#status.losePosition({ reason: 'Failed', message });
    throw new PipelineFailure(
      'PositionLost',
      `${message}; set onPositionLost to Snapshot or SkipToLatest and restart, or put the source back`,
      { retryable: false },
    );
  }

  get #wantsFirstSnapshot(): boolean {
    const { onPositionLost, sourceConfig } = this.#options;
    return onPositionLost !== 'SkipToLatest' && sourceConfig.driverParams['startup_mode'] !== 'message-only';
  }
}
