import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import type { BusInfo, BusState, EventBus, SubscribeOptions, Subscription } from '../../event-bus.ts';
import { PositionLostError, SourceError } from '../../source.ts';
import type { SourceConfig, SourceTools } from '../../source.ts';
import type { Checkpoint } from '../../stream-entry.ts';
import type { FilePosition } from './file-index.ts';
import { FileSubscription } from './file-subscription.ts';
import type { FileSettings } from './settings.ts';
import { ThreadConnection } from './thread-connection.ts';
import type { ThreadStart } from './thread-messages.ts';

/** Paths that wait, for each event that the queue may hold: a path is a hundredth of an event with its row. */
const PATHS_PER_EVENT = 100;
/** Below it too much would be compared again. */
const MIN_DIRTY_PATHS = 10_000;

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
    if (this.#connection !== undefined)
      throw new SourceError('BusInUse', `another run of this sync still reads ${this.#settings.root}`, {
        retryable: true,
      });
    const subscription: FileSubscription = new FileSubscription({
      root: this.#settings.root,
      afterIndex: options.afterIndex,
      bus: () => this.info,
      onClose: () => this.#release(subscription),
    });
    const connection = new ThreadConnection(this.#threadStart(options), {
      onWaiting: (paths) => (subscription.waiting = paths),
      onUnreadable: (path) =>
        this.#tools.logger.warn({ path }, 'A path may not be read by the agent; what is known of it stays as it is'),
      onOverflow: () =>
        this.#tools.logger.warn(
          { root: this.#settings.root },
          'The kernel dropped events of files (fs.inotify.max_queued_events); all folders are compared',
        ),
      onFailed: (err) => this.#fail(subscription, err),
    });
    this.#connection = connection;
    this.#subscription = subscription;
    const abort = (): void => void subscription.close();
    signal.addEventListener('abort', abort, { once: true });
    try {
      const { indexId, at } = await connection.started;
      subscription.start(connection, indexId, at);
      this.#state = 'PRODUCING';
      this.#message = '生产者任务已启动，正在监听数据源。';
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
  connectForSnapshot(): ThreadConnection {
    const ignore = (): void => {};
    const listener = { onWaiting: ignore, onUnreadable: ignore, onOverflow: ignore, onFailed: ignore };
    return new ThreadConnection({ ...this.#threadSettings(), watch: undefined }, listener);
  }

  #threadStart({ checkpoint, afterIndex }: SubscribeOptions): ThreadStart {
    const indexFile = join(this.#tools.stateFolder, 'files.db');
    return {
      ...this.#threadSettings(),
      watch: { indexFile, position: checkpoint && positionOf(checkpoint), afterIndex },
    };
  }

  #threadSettings(): Omit<ThreadStart, 'watch'> {
    const { root, filePattern, maxSyncDelayMs } = this.#settings;
    const maxDirtyPaths = Math.max(MIN_DIRTY_PATHS, this.#config.maxQueueSize * PATHS_PER_EVENT);
    return { root, filePattern, maxSyncDelayMs, maxDirtyPaths };
  }

  #fail(subscription: FileSubscription, err: Error): void {
    if (subscription.isClosed) return;
    this.#state = 'ERROR';
    this.#message = err.message;
    subscription.fail(err);
  }

  async #release(subscription: FileSubscription): Promise<void> {
    if (this.#subscription !== subscription) return;
    await this.#connection?.close();
    this.#producedBefore += subscription.produced;
    this.#connection = undefined;
    this.#subscription = undefined;
    if (this.#state === 'PRODUCING') this.#state = 'IDLE';
  }
}

function positionOf({ position }: Checkpoint): FilePosition {
  const { index, at } = position;
  if (typeof index !== 'string' || typeof at !== 'number')
    throw new PositionLostError('the checkpoint is not one of files');
  return { index, at };
}
