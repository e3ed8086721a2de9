import { Counter, Gauge, Histogram } from 'prom-client';
import type { Registry } from 'prom-client';

/** How a run of a reconciler ended. `conflict` and `aborted` are part of normal life, not errors. */
export type ReconcileOutcome = 'done' | 'again' | 'conflict' | 'error' | 'terminal' | 'aborted';

/** What an informer reports, bound to its resource. */
export interface InformerMetrics {
  relisted(): void;
  reconnected(): void;
  /** Stops reporting the age of the last event. */
  stop(): void;
}

/** What a controller reports, bound to its name. */
export interface ControllerMetrics {
  started(): void;
  ended(outcome: ReconcileOutcome, seconds: number): void;
  /** Stops reporting the depth of the queue. */
  stop(): void;
}

/** A reconcile is mostly one or two API calls: 3 ms when idle, seconds when the API server struggles. */
const DURATION_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10, 30];

/** The metrics of everything in this folder. One per registry: names must not be registered twice. */
export class KubeMetrics {
  readonly #ages = new Map<object, { resource: string; seconds: () => number }>();
  readonly #depths = new Map<object, { controller: string; depth: () => number }>();
  readonly #relists: Counter<'resource'>;
  readonly #reconnects: Counter<'resource'>;
  readonly #duration: Histogram<'controller' | 'outcome'>;
  readonly #activeWorkers: Gauge<'controller'>;
  readonly #leader: Gauge<'lease'>;

  constructor(registry: Registry) {
    const registers = [registry];
    const ages = this.#ages;
    const depths = this.#depths;
    new Gauge({
      name: 'tiangong_kube_last_event_age_seconds',
      help: 'Time since the last list, event or bookmark of a watched resource.',
      labelNames: ['resource'],
      registers,
      collect() {
        this.reset();
        for (const { resource, seconds } of ages.values()) this.set({ resource }, seconds());
      },
    });
    new Gauge({
      name: 'tiangong_kube_queue_depth',
      help: 'Keys that wait for a worker.',
      labelNames: ['controller'],
      registers,
      collect() {
        this.reset();
        for (const { controller, depth } of depths.values()) this.set({ controller }, depth());
      },
    });
    this.#relists = new Counter({
      name: 'tiangong_kube_relists_total',
      help: 'Full lists of a watched resource, the first included.',
      labelNames: ['resource'],
      registers,
    });
    this.#reconnects = new Counter({
      name: 'tiangong_kube_reconnects_total',
      help: 'Watches opened again after one ended or failed.',
      labelNames: ['resource'],
      registers,
    });
    this.#duration = new Histogram({
      name: 'tiangong_kube_reconcile_duration_seconds',
      help: 'Duration of reconciles by outcome: done, again, conflict, error, terminal, aborted.',
      labelNames: ['controller', 'outcome'],
      buckets: DURATION_BUCKETS,
      registers,
    });
    this.#activeWorkers = new Gauge({
      name: 'tiangong_kube_active_workers',
      help: 'Workers that are in a reconcile.',
      labelNames: ['controller'],
      registers,
    });
    this.#leader = new Gauge({
      name: 'tiangong_kube_leader',
      help: '1 while this process holds the lease, else 0.',
      labelNames: ['lease'],
      registers,
    });
  }

  informer(resource: string, ageSeconds: () => number): InformerMetrics {
    const key = {};
    this.#ages.set(key, { resource, seconds: ageSeconds });
    const relists = this.#relists.labels(resource);
    const reconnects = this.#reconnects.labels(resource);
    return {
      relisted: () => relists.inc(),
      reconnected: () => reconnects.inc(),
      stop: () => this.#ages.delete(key),
    };
  }

  controller(name: string, depth: () => number): ControllerMetrics {
    const key = {};
    this.#depths.set(key, { controller: name, depth });
    const active = this.#activeWorkers.labels(name);
    active.set(0);
    // Bound once: looking labels up takes longer than a reconcile that finds nothing to do.
    const durations = new Map<ReconcileOutcome, { observe(seconds: number): void }>();
    return {
      started: () => active.inc(),
      ended: (outcome, seconds) => {
        active.dec();
        let duration = durations.get(outcome);
        if (duration === undefined) {
          duration = this.#duration.labels(name, outcome);
          durations.set(outcome, duration);
        }
        duration.observe(seconds);
      },
      stop: () => this.#depths.delete(key),
    };
  }

  leading(lease: string, leads: boolean): void {
    this.#leader.set({ lease }, leads ? 1 : 0);
  }
}
