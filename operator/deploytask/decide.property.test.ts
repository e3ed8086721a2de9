import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { needsApproval } from '../../kube/task-digest.ts';
import { endConditions } from '../../kube/task-state.ts';
import type { EndState, TaskState } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { decide } from './decide.ts';
import { CLEANUP_FINALIZER } from './finalizer.ts';
import { slimTask } from './slim-task.ts';
import { LOST, NOW, ONLINE, QUIET, RELEASED, agentWith, selectingTask, taskWith, worldWith } from './task-fixture.ts';
import type { Presence, World } from './world.ts';

/** design.md §3: who may change which state to which. */
const LEGAL: Readonly<Record<'new' | TaskState, readonly TaskState[]>> = {
  new: ['Pending', 'Assigned', 'Failed', 'Canceled'],
  Pending: ['Assigned', 'Failed', 'Canceled'],
  Assigned: ['Assigned', 'Pending', 'Running', 'Failed', 'Canceled', 'Unknown'],
  Running: ['Succeeded', 'Failed', 'Canceled', 'Unknown'],
  Unknown: ['Succeeded', 'Failed'],
  Succeeded: [],
  Failed: [],
  Canceled: [],
};

/** An API server that holds one task, checks every write as the CRD does, and remembers old versions for stale readers. */
class Server {
  versions: DeployTask[];
  gone = false;
  epochs: number[] = [];

  constructor(task: DeployTask) {
    this.versions = [task];
  }

  get task(): DeployTask {
    return this.versions.at(-1)!;
  }

  /** Merges a status, if the task is still as `seen` has it. Returns whether it was. */
  writeStatus(seen: DeployTask, patch: DeployTaskStatus): boolean {
    if (this.gone || seen.metadata.resourceVersion !== this.task.metadata.resourceVersion) return false;
    const before = this.task.status ?? {};
    const after = { ...before, ...patch };
    const from: 'new' | TaskState = before.state ?? 'new';
    const to = after.state;
    const [oldEpoch, epoch] = [before.assignment?.epoch ?? 0, after.assignment?.epoch ?? 0];
    if (to === undefined || (to !== from && !LEGAL[from].includes(to))) throw new Error(`${from} → ${to}`);
    if (epoch < oldEpoch) throw new Error('the epoch went back');
    if (epoch > oldEpoch && to !== 'Assigned') throw new Error('the epoch rose without an assignment');
    if (from === 'Running' && epoch !== oldEpoch) throw new Error('a running task was assigned again');
    if (from === 'Pending' && to === 'Assigned' && epoch === oldEpoch) throw new Error('assigned at the old epoch');
    if (needsApproval(this.task) && (to === 'Assigned' || to === 'Running')) {
      if (this.task.spec.approved !== true || after.approval === undefined) throw new Error('assigned unapproved');
      if (before.approval !== undefined && after.approval !== before.approval) throw new Error('approved anew');
    }
    if (from === to && JSON.stringify(before) === JSON.stringify(after))
      throw new Error('a write that changes nothing');
    if (epoch > oldEpoch) this.epochs.push(epoch);
    this.#store({ ...this.task, status: after });
    return true;
  }

  writeSpec(spec: Partial<DeployTask['spec']>): void {
    if (this.gone) return;
    const generation = (this.task.metadata.generation ?? 1) + 1;
    this.#store({
      ...this.task,
      spec: { ...this.task.spec, ...spec },
      metadata: { ...this.task.metadata, generation },
    });
  }

  writeFinalizers(seen: DeployTask, finalizers: readonly string[]): void {
    if (this.gone || seen.metadata.resourceVersion !== this.task.metadata.resourceVersion) return;
    this.#store({ ...this.task, metadata: { ...this.task.metadata, finalizers: [...finalizers] } });
    this.#collect();
  }

  /** As the CRD has it: not before the operator has seen the task. */
  approve(): void {
    if (this.task.status?.state !== undefined) this.writeSpec({ approved: true });
  }

  delete(now: number): void {
    if (this.gone || this.task.metadata.deletionTimestamp !== undefined) return;
    const deletionTimestamp = new Date(now).toISOString();
    this.#store({ ...this.task, metadata: { ...this.task.metadata, deletionTimestamp } });
    this.#collect();
  }

  #collect(): void {
    const { deletionTimestamp, finalizers = [] } = this.task.metadata;
    this.gone = deletionTimestamp !== undefined && finalizers.length === 0;
  }

  #store(task: DeployTask): void {
    const resourceVersion = String(this.versions.length + 1);
    this.versions.push({ ...task, metadata: { ...task.metadata, resourceVersion } });
  }
}

/** The agents' part of the life of a task. `started` counts how often a command was really run. */
class Agents {
  started = 0;
  /** The epoch and process at which the work runs. */
  #work: { epoch: number; instance: string | undefined } | undefined;

  start(server: Server, seen: DeployTask, instance: string, now: number): void {
    const { state, assignment } = seen.status ?? {};
    if (state !== 'Assigned' || assignment?.instance !== instance || seen.spec.cancel === true) return;
    if (seen.metadata.deletionTimestamp !== undefined) return;
    const startTime = new Date(now).toISOString();
    if (!server.writeStatus(seen, { state: 'Running', startTime })) return;
    this.started += 1;
    this.#work = { epoch: assignment.epoch, instance };
  }

  /** Reports the end; late, if the operator has given up by then. */
  finish(server: Server, end: Exclude<EndState, 'Unknown'>, now: number): void {
    const { task } = server;
    const { state, assignment, conditions } = task.status ?? {};
    if (this.#work === undefined || assignment?.epoch !== this.#work.epoch) return;
    if (state !== 'Running' && (state !== 'Unknown' || end === 'Canceled')) return;
    const completionTime = new Date(now).toISOString();
    const status = {
      state: end,
      completionTime,
      ...(state === 'Unknown' && { resolution: { by: 'a1', evidence: 'journal' } }),
      conditions: endConditions(conditions, end, 'Completed', 'done', task.metadata.generation ?? 1, new Date(now)),
    };
    if (server.writeStatus(task, status)) this.#work = undefined;
  }
}

const PRESENCES: readonly Presence[] = [ONLINE, QUIET, LOST, RELEASED, { ...ONLINE, instance: 'i2' }];

const event = fc.oneof(
  fc.record({ kind: fc.constant('operator' as const), lag: fc.nat(3) }),
  fc.record({ kind: fc.constant('start' as const), lag: fc.nat(3), instance: fc.constantFrom('i1', 'i2') }),
  fc.record({ kind: fc.constant('finish' as const), end: fc.constantFrom('Succeeded', 'Failed', 'Canceled' as const) }),
  fc.record({ kind: fc.constant('presence' as const), agent: fc.nat(1), presence: fc.constantFrom(...PRESENCES) }),
  fc.record({
    kind: fc.constant('agent' as const),
    agent: fc.nat(1),
    there: fc.boolean(),
    unschedulable: fc.boolean(),
  }),
  fc.record({ kind: fc.constant('time' as const), seconds: fc.integer({ min: 1, max: 2000 }) }),
  fc.record({ kind: fc.constant('cancel' as const) }),
  fc.record({ kind: fc.constant('approve' as const) }),
  fc.record({ kind: fc.constant('ttl' as const), seconds: fc.integer({ min: 0, max: 5000 }) }),
  fc.record({ kind: fc.constant('delete' as const) }),
);

const task = fc
  .record({
    selects: fc.boolean(),
    finalizer: fc.boolean(),
    approve: fc.boolean(),
    startDeadlineSeconds: fc.integer({ min: 0, max: 5000 }),
    timeoutSeconds: fc.integer({ min: 1, max: 2000 }),
  })
  .map(({ selects, finalizer, approve, ...spec }) => {
    const made = selects ? selectingTask({ matchLabels: {} }) : taskWith();
    Object.assign(made.spec, spec);
    if (approve) made.spec.params = { approve: 'required' };
    if (finalizer) made.metadata.finalizers = [CLEANUP_FINALIZER];
    return made;
  });

describe('decide, through any life of a task', () => {
  it('never writes what the CRD refuses or what changes nothing, never lets work run twice or unapproved, and always comes to an end', () => {
    fc.assert(
      fc.property(task, fc.array(event, { maxLength: 60 }), (first, events) => {
        const server = new Server(first);
        const agents = new Agents();
        let now = NOW;
        const there = [agentWith('a1'), agentWith('a2')];
        const missing = new Set<number>();
        const presences: Presence[] = [ONLINE, ONLINE];
        const world = (): World =>
          worldWith({
            now,
            agents: there.filter((_, i) => !missing.has(i)),
            presence: (name) => presences[name === 'a1' ? 0 : 1]!,
          });
        /** Acts on a version that may be old; returns whether it did anything. */
        const operate = (seen: DeployTask): boolean => {
          const decision = decide(slimTask(structuredClone(seen)), world());
          if (decision.do === 'status') server.writeStatus(seen, decision.status);
          else if (decision.do === 'finalizers') server.writeFinalizers(seen, decision.finalizers);
          else if (decision.do === 'delete' && seen === server.task) server.delete(now);
          return decision.do !== 'wait';
        };
        const old = (lag: number): DeployTask => server.versions.at(-1 - lag) ?? server.task;
        for (const one of events) {
          if (one.kind === 'operator') operate(old(one.lag));
          else if (one.kind === 'start') agents.start(server, old(one.lag), one.instance, now);
          else if (one.kind === 'finish') agents.finish(server, one.end, now);
          else if (one.kind === 'presence') presences[one.agent] = one.presence;
          else if (one.kind === 'time') now += one.seconds * 1000;
          else if (one.kind === 'approve') server.approve();
          else if (one.kind === 'cancel') server.writeSpec({ cancel: true });
          else if (one.kind === 'ttl') server.writeSpec({ ttlSecondsAfterFinished: one.seconds });
          else if (one.kind === 'delete') server.delete(now);
          else {
            if (one.there) missing.delete(one.agent);
            else missing.add(one.agent);
            there[one.agent] = agentWith(`a${one.agent + 1}`, { spec: { unschedulable: one.unschedulable } });
          }
        }
        const mayRun = !needsApproval(server.task) || server.task.spec.approved === true;
        expect(agents.started).toBeLessThanOrEqual(mayRun ? 1 : 0);
        expect(server.epochs).toEqual([...server.epochs].sort((a, b) => a - b));
        expect(new Set(server.epochs).size).toBe(server.epochs.length);

        // With nothing but time passing, it comes to rest, and ended.
        for (const _round of ['a deadline that begins only when an approval is recorded', 'that deadline']) {
          now += 700_000_000;
          let writes = 0;
          while (!server.gone && operate(server.task)) {
            writes += 1;
            expect(writes).toBeLessThan(10);
          }
        }
        if (!server.gone) expect(['Succeeded', 'Failed', 'Canceled', 'Unknown']).toContain(server.task.status?.state);
        if (!server.gone) expect(server.task.metadata.deletionTimestamp).toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });
});
