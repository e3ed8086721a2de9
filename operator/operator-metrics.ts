import { Counter, Gauge } from 'prom-client';
import type { Registry } from 'prom-client';
import type { DeployTask } from '../kube/types/deploytask.ts';
import type { Decision } from './deploytask/decision.ts';

/** The operator's own metrics. One per registry. */
export class OperatorMetrics {
  readonly #writes: Counter<'write' | 'state'>;
  #tasks: () => Iterable<DeployTask> = () => [];

  constructor(registry: Registry) {
    const registers = [registry];
    this.#writes = new Counter({
      name: 'tiangong_operator_task_writes_total',
      help: 'Writes to DeployTasks: status (by the state it sets, empty when it keeps it), finalizers, delete.',
      labelNames: ['write', 'state'],
      registers,
    });
    const tasks = (): Iterable<DeployTask> => this.#tasks();
    new Gauge({
      name: 'tiangong_operator_tasks',
      help: 'DeployTasks by state; New has not been looked at.',
      labelNames: ['state'],
      registers,
      collect() {
        const counts = new Map<string, number>();
        for (const { status } of tasks()) {
          const state = status?.state ?? 'New';
          counts.set(state, (counts.get(state) ?? 0) + 1);
        }
        this.reset();
        for (const [state, count] of counts) this.set({ state }, count);
      },
    });
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
