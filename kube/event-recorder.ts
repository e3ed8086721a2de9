import { randomBytes } from 'node:crypto';
import type { KubeClient } from './client.ts';
import { events } from './event.ts';
import type { KubeEvent } from './event.ts';
import { isNotFound } from './kube-error.ts';
import type { KubeObject } from './object.ts';
import { RecentMap } from './recent-map.ts';
import { TokenBucket } from './token-bucket.ts';
import { truncateUtf8 } from './truncate-utf8.ts';
import { withTimeout } from './with-timeout.ts';

export interface EventRecorderOptions {
  /** The program that reports, such as `tiangong-operator`. */
  readonly component: string;
  /** Which process of it, such as the pod's name. */
  readonly instance: string;
  /** How many writes in a row one object may cause; 10 unless set. */
  readonly burst?: number;
  /** After how long one object may cause another write; 60 s unless set. */
  readonly refillMs?: number;
  /** How many objects and how many events are remembered; those used longest ago are forgotten. 1,000 unless set. */
  readonly capacity?: number;
  /** After how long a write is given up, so that one that hangs does not hold up the others; 10 s unless set. */
  readonly timeoutMs?: number;
  /** Told of events that could not be written. They are not tried again. */
  readonly onError?: (err: unknown) => void;
}

/** What happened to one object for one reason, however often. */
interface Series {
  readonly involvedObject: KubeEvent['involvedObject'];
  readonly type: KubeEvent['type'];
  readonly reason: string;
  readonly first: Date;
  message: string;
  last: Date;
  count: number;
  /** The name of its Event, once there is one. */
  name: string | undefined;
}

/** Kubernetes refuses messages of 1,024 bytes and more. */
const MAX_MESSAGE_BYTES = 1023;

/**
 * Writes Kubernetes Events, best effort: what cannot be written is lost, and nobody waits for it. The same reason on the
 * same object is one Event with a count. Each object has a token bucket; what exceeds it is counted, and written with
 * the next event of its series that is let through.
 */
export class EventRecorder {
  readonly #client: KubeClient;
  readonly #options: Required<Omit<EventRecorderOptions, 'onError'>>;
  readonly #onError: (err: unknown) => void;
  readonly #series: RecentMap<string, Series>;
  readonly #buckets: RecentMap<string, TokenBucket>;
  readonly #waiting = new Set<Series>();
  #writing: Promise<void> | undefined;

  constructor(client: KubeClient, options: EventRecorderOptions) {
    const { onError = () => undefined, ...rest } = options;
    this.#client = client;
    this.#options = { burst: 10, refillMs: 60_000, capacity: 1000, timeoutMs: 10_000, ...rest };
    this.#onError = onError;
    this.#series = new RecentMap(this.#options.capacity);
    this.#buckets = new RecentMap(this.#options.capacity);
  }

  /**
   * Notes that something happened to an object, which must know its kind. `reason` is a CamelCase word, the same as in
   * the object's conditions. The message is cut to below 1 KiB; it must hold no secret.
   */
  record(object: KubeObject, type: KubeEvent['type'], reason: string, message: string): void {
    const { burst, refillMs, capacity } = this.#options;
    const { namespace, name, uid } = object.metadata;
    const target = `${object.kind}/${namespace}/${name}/${uid}`;
    const series = this.#series.getOrMake(`${target}/${type}/${reason}`, () => newSeries(object, type, reason));
    series.count += 1;
    series.last = new Date();
    series.message = truncateUtf8(message, MAX_MESSAGE_BYTES);
    const bucket = this.#buckets.getOrMake(target, () => new TokenBucket(burst, refillMs));
    // Writes that hang must not gather others behind them without bound.
    if (!bucket.take() || this.#waiting.size >= capacity) return;
    this.#waiting.add(series);
    this.#writing ??= this.#writeAll();
  }

  /** Resolves when what was let through so far has been written or given up. */
  async flush(): Promise<void> {
    await this.#writing;
  }

  /** One write at a time: events must not compete with the work that they report. */
  async #writeAll(): Promise<void> {
    for (const series of this.#waiting) {
      this.#waiting.delete(series);
      try {
        await withTimeout((signal) => this.#write(series, signal), this.#options.timeoutMs);
      } catch (err) {
        this.#onError(err);
      }
    }
    this.#writing = undefined;
  }

  async #write(series: Series, signal: AbortSignal): Promise<void> {
    const namespace = series.involvedObject.namespace ?? 'default';
    const { count, message, type, reason, involvedObject } = series;
    const { component, instance } = this.#options;
    const lastTimestamp = toSeconds(series.last);
    if (series.name !== undefined) {
      try {
        await this.#client.patch(events, namespace, series.name, { count, message, lastTimestamp }, { signal });
        return;
      } catch (err) {
        // The server keeps events for an hour. One that is gone is started afresh.
        if (!isNotFound(err)) throw err;
      }
    }
    const event = {
      metadata: { name: eventName(involvedObject.name) },
      involvedObject,
      type,
      reason,
      message,
      count,
      firstTimestamp: toSeconds(series.first),
      lastTimestamp,
      source: { component, host: instance },
      reportingComponent: component,
      reportingInstance: instance,
    };
    await this.#client.create(events, namespace, event, { signal });
    series.name = event.metadata.name;
  }
}

function newSeries(object: KubeObject, type: KubeEvent['type'], reason: string): Series {
  const { namespace, name, uid, resourceVersion } = object.metadata;
  const now = new Date();
  return {
    involvedObject: {
      apiVersion: object.apiVersion ?? '',
      kind: object.kind ?? '',
      name,
      ...(namespace !== undefined && { namespace }),
      ...(uid !== undefined && { uid }),
      ...(resourceVersion !== undefined && { resourceVersion }),
    },
    type,
    reason,
    first: now,
    last: now,
    message: '',
    count: 0,
    name: undefined,
  };
}

function eventName(objectName: string): string {
  // A name has 253 characters at most, and a dot may stand only between letters and digits.
  return `${objectName.slice(0, 220).replace(/[^a-z0-9]+$/, '')}.${randomBytes(8).toString('hex')}`;
}

/** Events have whole seconds. */
function toSeconds(date: Date): string {
  return `${date.toISOString().slice(0, 19)}Z`;
}
