import { pendingRestart, RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { idOf } from '../configs/config-id.ts';
import type { Identified } from '../configs/config-id.ts';
import type { Configs } from '../configs/configs.ts';
import { ApiError } from '../errors.ts';
import { toInstanceView, toPipelineView } from './instance-view.ts';
import type { BusView, InstanceView, PipelineView } from './instance-view.ts';
import { flagsOf, isDisabled, OUTDATED } from './sync-state.ts';
import type { Ends } from './sync-state.ts';

export interface StatusView {
  readonly global_summary: {
    readonly running_pipelines: number;
    readonly outdated_pipelines: number;
    readonly error_pipelines: number;
  };
  readonly pipelines: readonly PipelineView[];
}

/** The running side of syncs: what their status says, and starting and stopping, which is what their spec says. */
export class Instances {
  readonly #configs: Configs;

  constructor(configs: Configs) {
    this.#configs = configs;
  }

  /** Every configured sync, running or not. */
  status(): StatusView {
    const pipelines = this.#syncs().map((sync) => toPipelineView(sync, this.#ends(sync)));
    const count = (holds: (pipeline: PipelineView) => boolean): number => pipelines.filter(holds).length;
    const hasError = ({ overall_status, sync_info }: PipelineView): boolean =>
      overall_status === 'ERROR' || sync_info.flags.includes('ERROR');
    return {
      global_summary: {
        running_pipelines: count((pipeline) => !hasError(pipeline) && carries(pipeline.sync_info)),
        outdated_pipelines: count(({ sync_info }) => sync_info.flags.includes(OUTDATED)),
        error_pipelines: count(hasError),
      },
      pipelines,
    };
  }

  /** Those that run. */
  syncs(): InstanceView[] {
    const views = this.#syncs().map((sync) => toInstanceView(sync, this.#ends(sync)));
    return views.filter(({ flags }) => flags.length > 0);
  }

  /** The buses of those that run; several may share one, of which the newest word counts. */
  buses(): BusView[] {
    const buses = new Map<string, BusView>();
    for (const { bus_info: bus } of this.syncs()) {
      if (bus === null) continue;
      const known = buses.get(bus.id);
      if (known === undefined || produced(bus) >= produced(known)) buses.set(bus.id, bus);
    }
    return [...buses.values()];
  }

  /** Asks for a sync to run. One that is disabled is left alone, as the original does; one with an error starts again. */
  async start(id: string): Promise<void> {
    await this.#update(id, async (sync) => {
      const ends = await this.#freshEnds(sync);
      if (isDisabled(sync, ends)) return sync;
      const flags = flagsOf(sync, ends);
      if (sync.spec.desiredState === 'Running') return flags.includes('ERROR') ? restarted(sync) : sync;
      const running: SyncTask = { ...sync, spec: { ...sync.spec, desiredState: 'Running' } };
      // Its agent may not have seen that it was stopped: what starts now has today's configuration all the same.
      return flags.length > 0 ? restarted(running) : running;
    });
  }

  async stop(id: string): Promise<void> {
    await this.#update(id, (sync) =>
      sync.spec.desiredState === 'Running' ? { ...sync, spec: { ...sync.spec, desiredState: 'Stopped' } } : sync,
    );
  }

  /** Restarts every sync whose configuration has changed since it started. Resolves with how many. */
  async applyChanges(): Promise<number> {
    const { sources, pushers, syncs } = this.#configs;
    const [tasks, sourceList, pusherList] = await Promise.all([
      syncs.directory.listFresh(),
      sources.directory.listFresh(),
      pushers.directory.listFresh(),
    ]);
    const [sourceBy, pusherBy] = [byName(sourceList), byName(pusherList)];
    const isOutdated = (sync: SyncTask): boolean => {
      const ends = { source: sourceBy.get(sync.spec.source), pusher: pusherBy.get(sync.spec.pusher) };
      // One that was asked for and not begun will have today's configuration.
      return flagsOf(sync, ends).includes(OUTDATED) && pendingRestart(sync) === undefined;
    };
    let count = 0;
    for (const task of tasks.filter(isOutdated)) if (await this.#restartIf(task, isOutdated)) count += 1;
    return count;
  }

  /** Resolves whether it was to be restarted still. */
  async #restartIf(task: SyncTask, isOutdated: (sync: SyncTask) => boolean): Promise<boolean> {
    let wanted = false;
    const change = (sync: SyncTask): SyncTask => ((wanted = isOutdated(sync)) ? restarted(sync) : sync);
    try {
      await this.#update(idOf(task), change);
    } catch (err) {
      if (isUnknown(err)) return false;
      throw err;
    }
    return wanted;
  }

  #syncs(): SyncTask[] {
    return this.#configs.syncs.directory.list();
  }

  #ends({ spec }: SyncTask): Ends {
    const { sources, pushers } = this.#configs;
    return { source: sources.directory.peek(spec.source), pusher: pushers.directory.peek(spec.pusher) };
  }

  async #freshEnds({ spec }: SyncTask): Promise<Ends> {
    const { sources, pushers } = this.#configs;
    const [source, pusher] = await Promise.all([
      sources.directory.read(spec.source),
      pushers.directory.read(spec.pusher),
    ]);
    return { source, pusher };
  }

  async #update(id: string, change: (sync: SyncTask) => SyncTask | Promise<SyncTask>): Promise<void> {
    await this.#configs.syncWriter.update(id, change);
  }
}

const restarted = (sync: SyncTask): SyncTask => ({
  ...sync,
  metadata: {
    ...sync.metadata,
    annotations: { ...sync.metadata.annotations, [RESTART_ANNOTATION]: new Date().toISOString() },
  },
});

const carries = ({ flags }: InstanceView): boolean => flags.includes('MESSAGE_SYNC') || flags.includes('SNAPSHOT_SYNC');

const produced = ({ statistics }: BusView): number => statistics.events_produced_total ?? 0;

const byName = <T extends Identified>(list: readonly T[]): Map<string, T> =>
  new Map(list.map((object) => [object.metadata.name, object]));

/** Whether there is no sync of the id, or no longer. */
export const isUnknown = (err: unknown): boolean => err instanceof ApiError && err.code === 'ConfigNotFound';
