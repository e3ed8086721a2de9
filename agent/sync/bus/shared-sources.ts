import type { Logger } from 'pino';
import type { BusInfo, EventBus, SubscribeOptions, Subscription } from '../event-bus.ts';
import type { Source, SourceConfig } from '../source.ts';
import { LogBuses } from './log-buses.ts';

/** One pipeline's hold on a source that others may read as well. */
export interface SourceHold {
  /** The same object for all that hold it: what its snapshots see is told in terms of its streams. */
  readonly source: Source;
  /** A place on a bus of the source, as `EventBus.subscribe`. */
  subscribe(options: SubscribeOptions, signal: AbortSignal): Promise<Subscription>;
  /** The last one closes the source. Close the subscription first. */
  release(): Promise<void>;
}

interface Shared {
  readonly source: Source;
  readonly logBuses: LogBuses | undefined;
  own: EventBus | undefined;
  holds: number;
}

/** The sources that the pipelines of one agent read, one for each signature, and their buses. */
export class SharedSources {
  readonly #logger: Logger;
  readonly #shared = new Map<string, Shared>();
  readonly #closing = new Map<string, Promise<void>>();

  constructor(logger: Logger) {
    this.#logger = logger;
  }

  get buses(): readonly BusInfo[] {
    return [...this.#shared.values()].flatMap(({ own, logBuses }) => [
      ...(own === undefined ? [] : [own.info]),
      ...(logBuses?.infos ?? []),
    ]);
  }

  /** Whether somebody reads a source of this signature, or it is being closed. */
  isHeld(signature: string): boolean {
    return this.#shared.has(signature) || this.#closing.has(signature);
  }

  /**
   * `open` is called when nobody holds a source of this signature, and the last one of it is closed: both might want the same files
   * or the same replication slot. Rejects with what it throws.
   */
  async hold(signature: string, config: SourceConfig, open: () => Source): Promise<SourceHold> {
    for (let closing; (closing = this.#closing.get(signature)) !== undefined;) await closing;
    const shared = this.#shared.get(signature) ?? this.#open(signature, open);
    shared.holds += 1;
    let held = true;
    return {
      source: shared.source,
      subscribe: async (options, signal) =>
        shared.logBuses === undefined
          ? await (await ownBus(shared)).subscribe(options, signal)
          : await shared.logBuses.subscribe(options, config, signal),
      release: async () => {
        if (!held) return;
        held = false;
        shared.holds -= 1;
        if (shared.holds > 0) return;
        this.#shared.delete(signature);
        const settled = close(shared)
          .catch((err: unknown) => this.#logger.warn({ err }, 'a source could not be closed'))
          .finally(() => this.#closing.delete(signature));
        this.#closing.set(signature, settled);
        await settled;
      },
    };
  }

  #open(signature: string, open: () => Source): Shared {
    const source = open();
    const logBuses = source.stream === undefined ? undefined : new LogBuses(source, this.#logger);
    const shared: Shared = { source, logBuses, own: undefined, holds: 0 };
    this.#shared.set(signature, shared);
    return shared;
  }
}

async function close({ logBuses, own, source }: Shared): Promise<void> {
  await logBuses?.close();
  await own?.close();
  await source.close();
}

/** A bus that failed is replaced. */
async function ownBus(shared: Shared): Promise<EventBus> {
  if (shared.own?.info.state === 'ERROR') {
    const failed = shared.own;
    shared.own = undefined;
    await failed.close();
  }
  shared.own ??= shared.source.openBus?.();
  if (shared.own === undefined) throw new Error('the source has neither a stream nor a bus');
  return shared.own;
}
