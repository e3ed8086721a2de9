import type { SyncTask, SyncTaskStatus } from '../../kube/types/synctask.ts';
import { idOf } from '../configs/config-id.ts';
import { flagsOf, isDisabled, OUTDATED, STOPPED } from './sync-state.ts';
import type { Ends, SyncFlag } from './sync-state.ts';

/** A bus as REST shows it (facts §1.4). */
export type BusView = NonNullable<SyncTaskStatus['bus']>;

/** A running sync as REST shows it: the fields of facts §1.4, and more of ours. */
export interface InstanceView {
  readonly id: string;
  /** Flags joined by `|`, or `STOPPED`. */
  readonly state: string;
  readonly flags: readonly SyncFlag[];
  readonly info: string;
  readonly statistics: Statistics;
  readonly bus_info: BusView | null;
  readonly bus_id?: string;
  readonly agent?: string;
  readonly epoch?: number;
  readonly position?: SyncTaskStatus['position'];
  readonly lag_ms?: number;
  readonly snapshot?: SyncTaskStatus['snapshot'];
  readonly error?: SyncTaskStatus['error'];
}

interface Statistics {
  readonly events_pushed: number;
  readonly last_pushed_event_id: number | null;
  readonly [name: string]: number | null;
}

export interface PipelineView {
  readonly id: string;
  readonly overall_status: string;
  readonly source_id: string;
  readonly pusher_id: string;
  readonly bus_info: BusView | null;
  readonly sync_info: InstanceView;
  readonly is_disabled: boolean;
}

/** A configured sync, running or not. */
export function toPipelineView(sync: SyncTask, ends: Ends): PipelineView {
  const info = toInstanceView(sync, ends);
  const { source, pusher } = ends;
  return {
    id: info.id,
    overall_status: info.bus_info?.state === 'ERROR' ? 'ERROR' : info.state,
    source_id: source === undefined ? sync.spec.source : idOf(source),
    pusher_id: pusher === undefined ? sync.spec.pusher : idOf(pusher),
    bus_info: info.bus_info,
    sync_info: info,
    is_disabled: isDisabled(sync, ends),
  };
}

export function toInstanceView(sync: SyncTask, ends: Ends): InstanceView {
  const flags = flagsOf(sync, ends);
  const id = idOf(sync);
  if (flags.length === 0) {
    const statistics = { events_pushed: 0, last_pushed_event_id: null };
    return { id, state: STOPPED, flags, info: whyStopped(sync, ends), statistics, bus_info: null };
  }
  const { info = '', statistics = {}, bus, assignment, epoch, position, lagMs, snapshot, error } = sync.status ?? {};
  return {
    id,
    state: flags.join('|'),
    flags,
    info: flags.includes(OUTDATED) ? whyOutdated(sync, ends, info) : info,
    statistics: { events_pushed: 0, last_pushed_event_id: null, ...statistics },
    bus_info: bus ?? null,
    ...(bus && { bus_id: bus.id }),
    ...(assignment && { agent: assignment.agent }),
    ...(epoch !== undefined && { epoch }),
    ...(position && { position }),
    ...(lagMs !== undefined && { lag_ms: lagMs }),
    ...(snapshot && { snapshot }),
    ...(error && { error }),
  };
}

function whyStopped(sync: SyncTask, ends: Ends): string {
  if (isDisabled(sync, ends)) return '任务已禁用';
  const scheduled = sync.status?.conditions?.find(({ type }) => type === 'Scheduled');
  const waits = sync.spec.desiredState === 'Running' && scheduled?.status === 'False';
  return waits ? scheduled.message : '任务已停止';
}

/** In the words of the original, where it is a source or a pusher that was disabled. */
function whyOutdated({ spec }: SyncTask, { source, pusher }: Ends, info: string): string {
  if (source !== undefined && source.spec.disabled !== false)
    return `Dependency Source '${idOf(source)}' configuration was disabled.`;
  if (pusher !== undefined && pusher.spec.disabled !== false)
    return `Dependency Pusher '${idOf(pusher)}' configuration was disabled.`;
  if (spec.disabled !== false) return '任务已禁用，重启或应用变更后停止。';
  return info;
}
