import { withTimeout } from '../../../kube/with-timeout.ts';
import type { Subscription } from '../event-bus.ts';
import { compileMapping } from '../mapping/field-mapping.ts';
import { PositionLostError } from '../source.ts';
import { Attempts } from './attempts.ts';
import { CountingMapping } from './counting-mapping.ts';
import type { LiveSession } from './live-session.ts';
import { failureOf, PipelineFailure } from './pipeline-failure.ts';
import { PIPELINE_TIMES } from './pipeline-options.ts';
import type { PipelineOptions, PipelineTimes } from './pipeline-options.ts';
import type { PipelineEnd, PipelineReport } from './pipeline-report.ts';
import { PipelineStatus } from './pipeline-status.ts';
import { PushLoop } from './push-loop.ts';
import { Sender } from './sender.ts';
import { SessionKeeper } from './session-keeper.ts';
import { Snapshots } from './snapshots.ts';
import { StreamBeginner } from './stream-beginner.ts';
import { SYNC_FLAGS } from './sync-state.ts';
import { Wake } from './wake.ts';

const MESSAGE_SYNC_INFO = '消息同步进行中。';

/** One SyncTask at work: everything of one source to one consumer, once run. The caller opens and closes source and pusher. */
export class Pipeline {
  readonly #options: PipelineOptions;
  readonly #times: PipelineTimes;
  readonly #status: PipelineStatus;
  readonly #keeper: SessionKeeper;
  readonly #wake = new Wake();
  readonly #listeners = new Set<() => void>();
  readonly #streams: StreamBeginner;
  readonly #cut = new AbortController();
  #cutTimer: NodeJS.Timeout | undefined;
  #mapping: CountingMapping | undefined;
  #subscription: Subscription | undefined;
  /** Resolves when a checkpoint of the present stream is durable. */
  #durable = Promise.withResolvers<void>();
  #released: unknown;

  constructor(options: PipelineOptions) {
    this.#options = options;
    this.#times = { ...PIPELINE_TIMES, ...options.times };
    this.#status = new PipelineStatus(options.earlier, () => this.#changed());
    this.#keeper = new SessionKeeper(options, this.#times, this.#status);
    this.#streams = new StreamBeginner(options, this.#status);
  }

  /** Called when something has changed that should be written at once; of counts and positions nobody is told. */
  onChange(listener: () => void): void {
    this.#listeners.add(listener);
  }

  /** Everything as it is now. The place of the stream becomes its newest checkpoint. */
  report(): PipelineReport {
    return this.#status.report(this.#subscription?.bus, this.#mapping?.rejected ?? 0);
  }

  /** The report is durable: what the source keeps for its newest checkpoint's sake may go. */
  written(report: PipelineReport): void {
    const [newest] = report.checkpoints;
    // A stream that has begun anew needs what lies behind its own checkpoints.
    if (newest === undefined || !this.#status.checkpoints.includes(newest)) return;
    this.#durable.resolve();
    if (this.#released === newest || this.#subscription === undefined) return;
    this.#released = newest;
    this.#subscription.release(newest.position).catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'the source could not be told that the consumer has its changes');
    });
  }

  /** Runs until the signal aborts or nothing can go on. Never rejects. Called once. */
  async run(signal: AbortSignal): Promise<PipelineEnd> {
    const stopping = (): void => this.#stopping();
    signal.addEventListener('abort', stopping, { once: true });
    try {
      if (signal.aborted) return this.#stopped();
      this.#status.change(['STARTING'], [], '正在启动同步任务。');
      const lost = await this.#live(signal);
      return lost && !signal.aborted ? this.#lost() : this.#stopped();
    } catch (err) {
      return signal.aborted ? this.#stopped() : this.#failed(failureOf(err));
    } finally {
      signal.removeEventListener('abort', stopping);
      clearTimeout(this.#cutTimer);
      this.#cut.abort();
    }
  }

  /** Whether the task is not ours any more. */
  async #live(stop: AbortSignal): Promise<boolean> {
    const mapping = await this.#compileMapping(stop);
    this.#mapping = mapping;
    const live = await this.#keeper.open(stop, this.#cut.signal);
    if (live === undefined) return true;
    const snapshots = this.#snapshots(mapping);
    let sender = this.#sender(live, stop);
    try {
      while (!stop.aborted && sender.end !== 'Lost') {
        // A consumer that was put back begins again at an earlier checkpoint, in the session that is open.
        const isPutBack = sender.end === 'PutBack';
        if (isPutBack) sender = this.#sender(sender.live, stop);
        await this.#stream(sender, isPutBack, mapping, snapshots, stop);
      }
      return sender.end === 'Lost';
    } finally {
      await sender.live.close();
    }
  }

  async #stream(
    sender: Sender,
    isPutBack: boolean,
    mapping: CountingMapping,
    snapshots: Snapshots,
    stop: AbortSignal,
  ): Promise<void> {
    const { pusherConfig, sourceConfig } = this.#options;
    const begin = await this.#streams.begin({ position: sender.sentIndex, isPutBack }, mapping.wanted, snapshots, stop);
    const { subscription } = begin;
    this.#subscription = subscription;
    this.#durable = Promise.withResolvers();
    this.#status.change(['MESSAGE_SYNC'], ['STARTING'], MESSAGE_SYNC_INFO);
    const loop = new PushLoop({
      ...begin,
      sourceId: sourceConfig.id,
      batchSize: pusherConfig.batchSize,
      sender,
      mapping,
      snapshots,
      status: this.#status,
      times: this.#times,
      stop,
      wake: this.#wake,
      firstCheckpoint: begin.isNew ? (signal) => this.#firstCheckpoint(signal) : undefined,
    });
    try {
      await loop.run();
    } catch (err) {
      if (!(err instanceof PositionLostError) || stop.aborted) throw err;
      await this.#streams.lost(err, stop);
    } finally {
      await this.#within(Promise.all([snapshots.close(), subscription.close()]));
      this.#subscription = undefined;
    }
  }

  #sender(live: LiveSession, stop: AbortSignal): Sender {
    const cut = this.#cut.signal;
    return new Sender(live, { options: this.#options, keeper: this.#keeper, status: this.#status, stop, cut });
  }

  #snapshots({ wanted }: CountingMapping): Snapshots {
    const { source, sourceConfig, logger } = this.#options;
    const onReady = (): void => this.#wake.ring();
    return new Snapshots({ source, sourceConfig, wanted, status: this.#status, logger, onReady });
  }

  async #compileMapping(signal: AbortSignal): Promise<CountingMapping> {
    const { fieldsMapping, pusher, pusherConfig, logger } = this.#options;
    const onTrouble = this.#status.trouble.bind(this.#status, 'fields');
    const attempts = new Attempts({ ...pusherConfig, logger, onTrouble });
    const needed =
      fieldsMapping.length === 0
        ? undefined
        : await attempts.until('asking for the fields of the consumer', () => pusher.neededFields(signal), signal);
    const mapping = compileMapping(fieldsMapping, needed);
    if ('error' in mapping) throw new PipelineFailure('MappingInvalid', mapping.error, { retryable: false });
    return new CountingMapping(mapping, logger);
  }

  async #firstCheckpoint(signal: AbortSignal): Promise<boolean> {
    const { promise: over, resolve } = Promise.withResolvers<boolean>();
    const onAbort = (): void => resolve(false);
    signal.addEventListener('abort', onAbort, { once: true });
    if (signal.aborted) onAbort();
    try {
      return await Promise.race([this.#durable.promise.then(() => true), over]);
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Waits for an end, but not for ever. */
  async #within(ending: Promise<unknown>): Promise<void> {
    await withTimeout(() => ending, this.#times.closeMs).catch((err: unknown) => {
      this.#options.logger.warn({ err }, 'the stream or the snapshot of a source did not end in time');
    });
  }

  #changed(): void {
    for (const listener of this.#listeners) listener();
  }

  #stopping(): void {
    this.#status.change(['STOPPING'], [], '正在停止同步任务。');
    this.#cutTimer = setTimeout(() => this.#cut.abort(new Error('the pipeline is stopped')), this.#times.stopMs);
  }

  #stopped(): PipelineEnd {
    this.#status.change([], SYNC_FLAGS, '任务已停止');
    return { kind: 'Stopped' };
  }

  #lost(): PipelineEnd {
    this.#status.change([], SYNC_FLAGS, '任务已由其他代理接管');
    return { kind: 'Lost' };
  }

  #failed(failure: PipelineFailure): PipelineEnd {
    const error = this.#status.failed(failure);
    this.#options.logger.error({ err: failure, retryable: failure.retryable }, 'a sync ended with an error');
    this.#status.change(['ERROR'], SYNC_FLAGS, failure.info);
    return { kind: 'Failed', error, retryable: failure.retryable };
  }
}
