import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { sleep } from '../../../../kube/backoff.ts';
import type { BusInfo, BusState, EventBus, SubscribeOptions, Subscription } from '../../event-bus.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { SourceConfig, SourceTools } from '../../source.ts';
import type { Checkpoint } from '../../stream-entry.ts';
import type { FilePosition } from './file-index.ts';
import { FileSubscription } from './file-subscription.ts';
import type { FileSettings } from './settings.ts';
import { ThreadConnection } from './thread-connection.ts';
import type { ThreadListener } from './thread-connection.ts';
import type { ThreadStart, WatchStart } from './thread-messages.ts';

/** Paths that wait, for each event that the queue may hold: a path is a hundredth of an event with its row. */
const PATHS_PER_EVENT = 100;
/** Below it too much would be compared again. */
const MIN_DIRTY_PATHS = 10_000;
/** A thread that watched for so long was healthy: failures are counted anew. */
const HEALTHY_MS = 60_000;

/**
 * The bus of one SyncTask over a folder. It holds no events but the paths that changed, each once, and looks at them when they
 * are read: a subscriber that stalls costs bounded memory, and gets what is there then.
 */
export class FileBus implements EventBus {
  readonly #config: SourceConfig;
  readonly #settings: FileSettings;
  readonly #tools: SourceTools;
  readonly #id = `bus-${randomUUID()}`;
  #state: BusState = 'IDLE';
  #message = '';
  #producedBefore = 0;
  #subscription: FileSubscription | undefined;
  #connection: ThreadConnection | undefined;
  #failures = 0;
  #startedAt = 0;
  #isConnecting = false;

  constructor(config: SourceConfig, settings: FileSettings, tools: SourceTools) {
    this.#config = config;
    this.#settings = settings;
    this.#tools = tools;
  }

  /** The thread that watches; undefined while nobody has subscribed. */
  get connection(): ThreadConnection | undefined {
    return this.#connection;
  }

  get info(): BusInfo {
    const subscription = this.#subscription;
    const produced = this.#producedBefore + (subscription?.produced ?? 0);
    return {
      id: this.#id,
      source_name: this.#config.id,
      state: this.#state,
      info: this.#message,
      statistics: {
        events_produced: produced,
        subscriber_count: subscription === undefined ? 0 : 1,
        buffer_size: subscription?.uncommitted ?? 0,
        events_produced_total: produced,
        bus_queue_size: subscription?.waiting ?? 0,
      },
    };
  }

  async subscribe(options: SubscribeOptions, signal: AbortSignal): Promise<Subscription> {
    signal.throwIfAborted();
    const { checkpoint, afterIndex } = options;
    const position = checkpoint && positionOf(checkpoint);
    await this.#checkAllowed();
    signal.throwIfAborted();
    if (this.#subscription !== undefined)
      throw new SourceError('BusInUse', `another run of this sync still reads ${this.#settings.root}`, {
        retryable: true,
      });
    const subscription: FileSubscription = new FileSubscription({
      root: this.#settings.root,
      afterIndex: Math.max(afterIndex, position?.at ?? -1),
      bus: () => this.info,
      onClose: () => this.#release(subscription),
    });
    this.#subscription = subscription;
    const abort = (): void => void subscription.close();
    signal.addEventListener('abort', abort, { once: true });
    try {
      await this.#connect(subscription, position, afterIndex);
      signal.throwIfAborted();
      return subscription;
    } catch (err) {
      await subscription.close();
      signal.throwIfAborted();
      throw err;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  }

  async close(): Promise<void> {
    await this.#subscription?.close();
  }

  /** Starts a thread that watches nothing. */
  async connectForSnapshot(): Promise<ThreadConnection> {
    await this.#checkAllowed();
    return new ThreadConnection(
      { ...this.#threadSettings(), watch: undefined },
      this.#listener(() => {}),
    );
  }

  async #checkAllowed(): Promise<void> {
    const { root } = this.#settings;
    if ((await this.#tools.mayRead?.(root)) === false)
      throw new SourceError('PathRefused', `the agent does not let tasks use ${root} (private_paths)`, {
        retryable: false,
      });
  }

  async #connect(
    subscription: FileSubscription,
    position: FilePosition | undefined,
    afterIndex: number,
  ): Promise<void> {
    const watch: WatchStart = { indexFile: join(this.#tools.stateFolder, 'files.db'), position, afterIndex };
    const connection: ThreadConnection = new ThreadConnection(
      { ...this.#threadSettings(), watch },
      this.#listener((err) => this.#failed(subscription, connection, err), subscription),
    );
    this.#connection = connection;
    this.#isConnecting = true;
    const { indexId, at } = await connection.started.finally(() => (this.#isConnecting = false));
    this.#startedAt = performance.now();
    subscription.start(connection, indexId, at);
    this.#state = 'PRODUCING';
    this.#message = '生产者任务已启动，正在监听数据源。';
  }

  #threadSettings(): Omit<ThreadStart, 'watch'> {
    const { root, filePattern, maxSyncDelayMs } = this.#settings;
    const maxDirtyPaths = Math.max(MIN_DIRTY_PATHS, this.#config.maxQueueSize * PATHS_PER_EVENT);
    return { root, filePattern, maxSyncDelayMs, maxDirtyPaths };
  }

  #listener(onFailed: (err: Error) => void, subscription?: FileSubscription): ThreadListener {
    const { logger } = this.#tools;
    const { root } = this.#settings;
    return {
      onFailed,
      onWaiting: (paths) => {
        if (subscription !== undefined) subscription.waiting = paths;
      },
      onUnreadable: (path) =>
        logger.warn(
          { root, path },
          'a path may not be read by the agent, or its name is not UTF-8: what is known of it stays as it is',
        ),
      onOverflow: () =>
        logger.warn(
          { root },
          'the kernel dropped events of files (sysctl fs.inotify.max_queued_events): all folders are compared',
        ),
    };
  }

  /** A thread has ended by itself. One that never stood is the affair of whoever asked for it. */
  #failed(subscription: FileSubscription, connection: ThreadConnection, err: Error): void {
    if (subscription.isClosed || this.#isConnecting || connection !== this.#connection) return;
    if (performance.now() - this.#startedAt > HEALTHY_MS) this.#failures = 0;
    subscription.stop();
    this.#tryAgain(subscription, connection, err).catch((failure: unknown) => {
      if (subscription.isClosed) return;
      this.#state = 'ERROR';
      this.#message = failure instanceof Error ? failure.message : String(failure);
      subscription.fail(failure);
    });
  }

  /** Watches again from where the consumer is. Rejects when that is in vain. */
  async #tryAgain(subscription: FileSubscription, ended: ThreadConnection, failure: unknown): Promise<void> {
    let err = failure;
    let connection = ended;
    for (;;) {
      await connection.close();
      this.#failures += 1;
      if (!isRetryable(err) || this.#failures > this.#config.maxRetries) throw err;
      const { root } = this.#settings;
      this.#tools.logger.warn({ err, root, failures: this.#failures }, 'watching files failed and will be tried again');
      this.#message = err instanceof Error ? err.message : String(err);
      await sleep(this.#config.retryDelayMs, subscription.closing);
      if (subscription.isClosed) return;
      try {
        const { position, lastIndex } = subscription;
        return await this.#connect(subscription, position, lastIndex);
      } catch (again) {
        err = again;
        connection = this.#connection ?? connection;
      }
    }
  }

  async #release(subscription: FileSubscription): Promise<void> {
    await this.#connection?.close();
    this.#producedBefore += subscription.produced;
    this.#connection = undefined;
    this.#subscription = undefined;
    if (this.#state === 'PRODUCING') this.#state = 'IDLE';
  }
}

function isRetryable(err: unknown): boolean {
  return err instanceof SourceError && err.retryable;
}

function positionOf({ position }: Checkpoint): FilePosition {
  const { index, at } = position;
  if (typeof index !== 'string' || typeof at !== 'number')
    throw new PositionLostError('the checkpoint is not one of files');
  return { index, at };
}
