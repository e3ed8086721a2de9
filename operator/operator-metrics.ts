import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { SyncTask } from '../kube/types/synctask.ts';
import type { Decision } from './deploytask/decision.ts';

/** The operator's own metrics. One per registry. */
export class OperatorMetrics {
  readonly #writes: Counter<'write' | 'state'>;
  #tasks: () => Iterable<DeployTask> = () => [];
  #syncs: () => Iterable<SyncTask> = () => [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.#writes = new Counter({
      name: 'tiangong_operator_task_writes_total',
      help: 'Writes to DeployTasks: status (by the state it sets, empty when it keeps it), finalizers, delete.',
      labelNames: ['write', 'state'],
      registers,
    });
    countBy('tiangong_operator_tasks', 'DeployTasks by state; New has not been looked at.', registers, () =>
      [...this.#tasks()].map(({ status }) => status?.state ?? 'New'),
    );
    countBy('tiangong_operator_sync_tasks', 'SyncTasks by state; New has not been looked at.', registers, () =>
      [...this.#syncs()].map(({ status }) => status?.state ?? 'New'),
    );
  }

  /** Says where the SyncTasks are that are counted when metrics are read. */
  countSyncs(syncs: () => Iterable<SyncTask>): void {
    this.#syncs = syncs;
  }

  wrote(decision: Decision): void {
    const state = decision.do === 'status' ? (decision.status.state ?? '') : '';
    this.#writes.inc({ write: decision.do, state });
  }

  /** Says where the tasks are that are counted when metrics are read. */
  count(tasks: () => Iterable<DeployTask>): void {
    this.#tasks = tasks;
  }
}

/** A gauge of how many objects there are in each state, counted when it is read. */
function countBy(name: string, help: string, registers: Registry[], states: () => Iterable<string>): void {
  new Gauge({
    ...{ name, help, labelNames: ['state'], registers },
    collect() {
      const counts = new Map<string, number>();
      for (const state of states()) counts.set(state, (counts.get(state) ?? 0) + 1);
      this.reset();
      for (const [state, count] of counts) this.set({ state }, count);
    },
  });
}
