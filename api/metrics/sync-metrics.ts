import type { Metric, MetricValue, Registry } from 'prom-client';
import type { SyncTask, SyncTaskStatus } from '../../kube/types/synctask.ts';
import { idOf } from '../configs/config-id.ts';
import type { Configs } from '../configs/configs.ts';

type Labels = Readonly<Record<string, string>>;
type Bus = NonNullable<SyncTaskStatus['bus']>;

/** A metric whose values are read when it is asked for: another program counted them. */
interface Family {
  readonly name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge' | 'summary';
  readonly values: () => MetricValue<string>[];
}

/** Registers the metrics of the original (facts §1.11), and some of ours, read from the statuses of syncs at each scrape. */
export function measureSyncs(registry: Registry, configs: Configs): void {
  const { syncs, sources, pushers } = configs;
  const all = (): SyncTask[] => (syncs.directory.hasSynced ? syncs.directory.list() : []);
  const labelsOf = (sync: SyncTask): Labels => {
    const [source, pusher] = [sources.directory.peek(sync.spec.source), pushers.directory.peek(sync.spec.pusher)];
    return {
      sync_id: idOf(sync),
      source_id: source === undefined ? sync.spec.source : idOf(source),
      pusher_id: pusher === undefined ? sync.spec.pusher : idOf(pusher),
    };
  };
  const ofSyncs = (value: (status: SyncTaskStatus) => number | undefined): MetricValue<string>[] =>
    all().flatMap((sync) => valueOf(labelsOf(sync), value(sync.status ?? {})));
  const ofBuses = (value: (bus: Bus) => number | undefined): MetricValue<string>[] =>
    busesOf(all()).flatMap((bus) => valueOf({ source_id: bus.source_name, bus_id: bus.id }, value(bus)));

  const latency = 'fustor_agent_sync_push_latency_seconds';
  const families: readonly Family[] = [
    {
      name: 'fustor_agent_events_produced_total',
      help: 'Total number of events produced by source bus.',
      type: 'counter',
      values: () => ofBuses(({ statistics }) => statistics.events_produced_total ?? statistics.events_produced),
    },
    {
      name: 'fustor_agent_bus_queue_size',
      help: 'Current number of events in the bus queue.',
      type: 'gauge',
      values: () => ofBuses(({ statistics }) => statistics.bus_queue_size ?? statistics.buffer_size),
    },
    {
      name: 'fustor_agent_events_pushed_total',
      help: 'Total number of events successfully pushed to pusher.',
      type: 'counter',
      values: () => ofSyncs(({ statistics }) => statistics?.events_pushed),
    },
    {
      name: latency,
      help: 'Latency of pushing event batches to pushers.',
      type: 'summary',
      values: () => [
        ...named(
          `${latency}_sum`,
          ofSyncs(({ statistics }) => statistics?.push_latency_seconds_sum),
        ),
        ...named(
          `${latency}_count`,
          ofSyncs(({ statistics }) => statistics?.push_latency_seconds_count),
        ),
      ],
    },
    {
      name: 'tiangong_sync_push_failures_total',
      help: 'Pushes that failed.',
      type: 'counter',
      values: () => ofSyncs(({ statistics }) => statistics?.push_failures),
    },
    {
      name: 'tiangong_sync_rows_rejected_total',
      help: 'Rows that lacked a required field, and were not sent.',
      type: 'counter',
      values: () => ofSyncs(({ statistics }) => statistics?.rows_rejected),
    },
    {
      name: 'tiangong_sync_lag_seconds',
      help: 'How old the last change was when it was pushed.',
      type: 'gauge',
      values: () => ofSyncs(({ lagMs }) => (lagMs === undefined ? undefined : lagMs / 1000)),
    },
    {
      name: 'tiangong_sync_ready',
      help: '1 while data flows, else 0.',
      type: 'gauge',
      values: () => ofSyncs(({ conditions }) => Number(isReady(conditions))),
    },
  ];
  for (const family of families) registry.registerMetric(toMetric(family));
}

/** What of prom-client's metrics a registry asks for; its own classes count themselves, and cannot be set to a sum. */
function toMetric({ name, help, type, values }: Family): Metric {
  const get = (): object => ({ name, help, type, values: values(), aggregator: 'sum' });
  return { name, help, type, get, reset: () => undefined } as unknown as Metric;
}

/** Each bus once, however many syncs read from it. */
function busesOf(syncs: readonly SyncTask[]): Bus[] {
  const buses = new Map<string, Bus>();
  for (const { status } of syncs) {
    const bus = status?.state === 'STOPPED' ? undefined : status?.bus;
    const known = bus && buses.get(bus.id);
    const count = ({ statistics }: Bus): number => statistics.events_produced_total ?? 0;
    if (bus !== undefined && (known === undefined || count(bus) >= count(known))) buses.set(bus.id, bus);
  }
  return [...buses.values()];
}

const valueOf = (labels: Labels, value: number | undefined): MetricValue<string>[] =>
  value === undefined ? [] : [{ labels, value }];

const named = (metricName: string, values: readonly MetricValue<string>[]): MetricValue<string>[] =>
  values.map((value) => ({ ...value, metricName }) as MetricValue<string>);

const isReady = (conditions: SyncTaskStatus['conditions'] = []): boolean =>
  conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
