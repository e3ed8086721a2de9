import type { Logger } from 'pino';
import { sleep } from '../../../kube/backoff.ts';
import type { BusInfo, SubscribeOptions, Subscription } from '../event-bus.ts';
import { PositionLostError } from '../source.ts';
import type { Source, SourceConfig, StreamStart } from '../source.ts';
import type { SourcePosition } from '../stream-entry.ts';
import { BusSubscription } from './bus-subscription.ts';
import type { BusKeeper } from './bus-subscription.ts';
import { checkpointOf, LogBus, MAX_BUFFER_BYTES } from './log-bus.ts';

/** A reader that is ahead of others on a bus so full gets a bus of its own. */
const SPLIT_AT = 0.95;

interface Move {
  readonly abort: AbortController;
  readonly done: Promise<void>;
}

/** The buses of one log: readers share one where the log is read for both from the same place on. */
export class LogBuses implements BusKeeper {
  readonly #source: Source;
  readonly #logger: Logger;
  readonly #buses = new Set<LogBus>();
  readonly #subscriptions = new Set<BusSubscription>();
  readonly #moves = new Map<BusSubscription, Move>();
  readonly #released = new Map<BusSubscription, { readonly index: number; readonly position: SourcePosition }>();
  #releasedIndex = -Infinity;

  /** `source` has a stream. */
  constructor(source: Source, logger: Logger) {
    this.#source = source;
    this.#logger = logger;
  }

  get infos(): readonly BusInfo[] {
    return [...this.#buses].map(({ info }) => info);
  }

  /** `config`: of the subscriber's source; a bus is as its first subscriber wants it. Else as `EventBus.subscribe`. */
  async subscribe(options: SubscribeOptions, config: SourceConfig, signal: AbortSignal): Promise<Subscription> {
    signal.throwIfAborted();
    const subscription = new BusSubscription(options, config, this);
    const bus = await this.#join(subscription, options, signal);
    try {
      await beforeAbort(bus.stands, signal);
    } catch (err) {
      await this.#leave(bus, subscription);
      throw err;
    }
    subscription.moveTo(bus);
    this.#subscriptions.add(subscription);
    return subscription;
  }

  /** Their readers' reads fail from now on. */
  async close(): Promise<void> {
    const moves = [...this.#moves.values()];
    for (const { abort } of moves) abort.abort();
    await Promise.all([...moves.map(({ done }) => done), ...[...this.#buses].map((bus) => bus.close())]);
    this.#buses.clear();
  }

  onProgress(subscription: BusSubscription): void {
    const bus = subscription.logBus;
    if (bus === undefined || subscription.isClosed || this.#moves.has(subscription)) return;
    if (subscription.point === undefined || !isHeldBack(subscription, bus)) return;
    const abort = new AbortController();
    const done = this.#move(subscription, bus, abort.signal).finally(() => {
      this.#moves.delete(subscription);
      // If it could not be moved, it looks again.
      subscription.wake();
    });
    this.#moves.set(subscription, { abort, done });
  }

  async release(subscription: BusSubscription, position: SourcePosition): Promise<void> {
    if (this.#source.release === undefined || subscription.isClosed) return;
    const index = subscription.committedAt(position);
    if (index === undefined) {
      // One that was made before this subscription: with several nobody knows which is the lowest.
      if (this.#subscriptions.size === 1) await this.#source.release(position);
      return;
    }
    this.#released.set(subscription, { index, position });
    if (this.#released.size < this.#subscriptions.size) return;
    // What the slowest has not released the source must keep for it.
    const [lowest] = [...this.#released.values()].sort((a, b) => a.index - b.index);
    if (lowest === undefined || lowest.index < this.#releasedIndex) return;
    this.#releasedIndex = lowest.index;
    await this.#source.release(lowest.position);
  }

  async onClose(subscription: BusSubscription): Promise<void> {
    this.#subscriptions.delete(subscription);
    this.#released.delete(subscription);
    const move = this.#moves.get(subscription);
    move?.abort.abort();
    await move?.done;
    if (subscription.logBus !== undefined) await this.#leave(subscription.logBus, subscription);
  }

  #open(start: StreamStart, reader: BusSubscription): LogBus {
    const bus = new LogBus({ source: this.#source, config: reader.config, start, reader });
    this.#buses.add(bus);
    return bus;
  }

  async #leave(bus: LogBus, reader: BusSubscription): Promise<void> {
    bus.detach(reader);
    if (bus.readers.size > 0) return;
    this.#buses.delete(bus);
    await bus.close();
  }

  /** A place on a bus that stands where the subscriber wants to begin, or on one that is being opened for it. */
  async #join(subscription: BusSubscription, options: SubscribeOptions, signal: AbortSignal): Promise<LogBus> {
    const { checkpoint, afterIndex, wanted } = options;
    // Those that are added meanwhile are looked at as well: two that start at the same time must not both open a stream.
    for (const bus of this.#buses) {
      if (!covers(bus.wanted, wanted)) continue;
      await beforeAbort(bus.stands, signal).catch(() => signal.throwIfAborted());
      // Readers may have left, and taken the bus or their fields with them.
      if (!this.#buses.has(bus) || bus.failure !== undefined || !covers(bus.wanted, wanted)) continue;
      if (checkpoint === undefined) {
        const point = bus.buffer.lastPoint;
        // Indexes that the consumer has seen already would be taken for old events.
        if (point === undefined || point.index <= afterIndex || bus.buffer.find(point) === undefined) continue;
        // It is not where the log is now.
        if (isNearlyFull(bus)) continue;
        subscription.joinAt(point);
      } else if (bus.buffer.find(checkpoint) === undefined) continue;
      bus.attach(subscription);
      return bus;
    }
    return this.#open({ checkpoint, afterIndex }, subscription);
  }

  /** Never rejects. The reader goes on with its old bus until the new one stands. */
  async #move(subscription: BusSubscription, from: LogBus, signal: AbortSignal): Promise<void> {
    const { point, config, name } = subscription;
    if (point === undefined) return;
    // What the reader has read must not come again under an index that it takes for read.
    const start = { checkpoint: checkpointOf(point), afterIndex: subscription.readIndex };
    const bus = this.#roomyBusAt(subscription, from) ?? this.#open(start, subscription);
    try {
      await beforeAbort(bus.stands, signal);
      subscription.moveTo(bus);
      await this.#leave(from, subscription);
      this.#logger.info(
        { sync: name, from: from.id, to: bus.id },
        'the sync has left a bus that a slower one holds back',
      );
    } catch (err) {
      await this.#leave(bus, subscription);
      if (signal.aborted || subscription.isClosed) return;
      this.#logger.warn(
        { err, sync: name, bus: from.id },
        'a sync that a slower one holds back could not get a bus of its own',
      );
      if (err instanceof PositionLostError) subscription.fail(err);
      await sleep(config.retryDelayMs, signal);
    }
  }

  /** Another that has left before it, perhaps. */
  #roomyBusAt(subscription: BusSubscription, from: LogBus): LogBus | undefined {
    const { point, wanted } = subscription;
    for (const bus of this.#buses) {
      if (bus === from || bus.failure !== undefined || isNearlyFull(bus) || !covers(bus.wanted, wanted)) continue;
      if (point === undefined || bus.buffer.find(point) === undefined) continue;
      bus.attach(subscription);
      return bus;
    }
    return undefined;
  }
}

const isNearlyFull = ({ buffer, capacity }: LogBus): boolean =>
  buffer.events >= Math.max(1, Math.floor(capacity * SPLIT_AT)) || buffer.bytes >= MAX_BUFFER_BYTES * SPLIT_AT;

/** Whether it is the fastest of several, and the slowest leaves the bus little room. */
function isHeldBack(reader: BusSubscription, bus: LogBus): boolean {
  if (!isNearlyFull(bus) || bus.failure !== undefined) return false;
  const others = [...bus.readers].filter((other) => other !== reader).map(({ committedIndex }) => committedIndex);
  return (
    others.length > 0 && Math.max(...others) <= reader.committedIndex && Math.min(...others) < reader.committedIndex
  );
}

/** Whether what a bus reads is all that another wants. */
function covers(has: readonly string[] | undefined, wants: readonly string[] | undefined): boolean {
  if (has === undefined) return true;
  const names = new Set(has);
  return wants?.every((name) => names.has(name)) ?? false;
}

/** Rejects with the signal's reason when it aborts first. */
async function beforeAbort(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const { promise: cut, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    signal.throwIfAborted();
    await Promise.race([promise, cut]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
