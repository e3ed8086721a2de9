import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pendingRestart, RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import type { SyncTask, SyncTaskStatus } from '../../kube/types/synctask.ts';
import { LOST, NOW, RELEASED } from '../deploytask/task-fixture.ts';
import type { Presence } from '../deploytask/world.ts';
import { decideSync } from './decide.ts';
import { pusherWith, sourceWith, syncAgentWith, syncWith, syncWorldWith } from './sync-fixture.ts';
import type { SyncWorld } from './world.ts';

const AGENTS = ['a1', 'a2'] as const;
type AgentName = (typeof AGENTS)[number];

/** A process of an agent. */
interface Process {
  readonly instance: string;
  state: 'alive' | 'cut off' | 'stopped' | 'lost';
  /** The epoch of what it runs. */
  runs: number | undefined;
}

/** An API server with one SyncTask, agents with their processes, and whoever changes things. */
class Model {
  versions: SyncTask[] = [syncWith({ desiredState: 'Stopped' }, undefined, { finalizers: [] })];
  readonly processes = new Map<AgentName, Process>();
  readonly older: Process[] = [];
  sourceEnabled = true;
  gone = false;
  #serial = 1;

  get sync(): SyncTask {
    return this.versions.at(-1)!;
  }

  /** What a reader sees that is so many versions behind. */
  seen(behind: number): SyncTask {
    return this.versions.at(-1 - (behind % this.versions.length))!;
  }

  get running(): readonly Process[] {
    return [...this.older, ...this.processes.values()].filter(({ runs }) => runs !== undefined);
  }

  store(change: Partial<SyncTask>, bumpsGeneration = false): void {
    const { metadata } = this.sync;
    const generation = (metadata.generation ?? 1) + (bumpsGeneration ? 1 : 0);
    const next = { ...this.sync, ...change };
    const resourceVersion = String((this.#serial += 1));
    this.versions.push({ ...next, metadata: { ...next.metadata, generation, resourceVersion } });
    const { deletionTimestamp, finalizers = [] } = this.sync.metadata;
    if (deletionTimestamp !== undefined && finalizers.length === 0) this.gone = true;
  }

  /** Merges a status if the task is still as `seen` has it. Returns whether it was. */
  writeStatus(seen: SyncTask, patch: Readonly<Record<string, unknown>>): boolean {
    if (this.gone || seen.metadata.resourceVersion !== this.sync.metadata.resourceVersion) return false;
    const merged = Object.entries({ ...this.sync.status, ...patch });
    const status: SyncTaskStatus = Object.fromEntries(
      merged.filter(([, value]) => value !== null && value !== undefined),
    );
    if (JSON.stringify(status) === JSON.stringify(this.sync.status)) throw new Error('a write that changes nothing');
    if ((status.epoch ?? 0) < (this.sync.status?.epoch ?? 0)) throw new Error('the epoch went back');
    if (status.assignment !== undefined && status.assignment.epoch !== status.epoch)
      throw new Error('an assignment of another epoch');
    this.store({ status });
    return true;
  }

  world(lostForMs: number): SyncWorld {
    return syncWorldWith({
      now: NOW,
      agents: AGENTS.map((name) => syncAgentWith(name)),
      presence: (name) => this.#presence(name as AgentName),
      lostForMs,
      source: sourceWith({ disabled: !this.sourceEnabled }),
      pusher: pusherWith(),
    });
  }

  #presence(name: AgentName): Presence {
    const process = this.processes.get(name);
    if (process === undefined || process.state === 'lost') return LOST;
    if (process.state === 'stopped') return RELEASED;
    return { online: true, instance: process.instance, released: false, lost: false };
  }

  operate(behind: number, lostForMs: number): boolean {
    const seen = this.seen(behind);
    const decision = decideSync(seen, this.world(lostForMs));
    if (decision.do === 'wait') return false;
    if (decision.do === 'status') return this.writeStatus(seen, decision.status);
    if (this.gone || seen.metadata.resourceVersion !== this.sync.metadata.resourceVersion) return false;
    this.store({ metadata: { ...this.sync.metadata, finalizers: [...decision.finalizers] } });
    return true;
  }

  /** What `SyncRunner` does on one look at its copy of the task. */
  work(name: AgentName, behind: number): boolean {
    const process = this.processes.get(name);
    if (process?.state !== 'alive') return false;
    const seen = this.seen(behind);
    const holds = (sync: SyncTask, epoch?: number): boolean =>
      sync.status?.assignment?.agent === name &&
      sync.status.assignment.instance === process.instance &&
      (epoch === undefined || sync.status.assignment.epoch === epoch);
    if (process.runs !== undefined && (this.gone || !holds(seen, process.runs))) {
      // An old copy ends a run that is ours: the next look begins it again.
      process.runs = undefined;
      return true;
    }
    if (this.gone || !holds(seen)) return false;
    const { spec, metadata, status } = seen;
    if (
      spec.desiredState !== 'Running' ||
      metadata.deletionTimestamp !== undefined ||
      pendingRestart(seen) !== undefined
    ) {
      process.runs = undefined;
      const forget = metadata.deletionTimestamp === undefined ? {} : { started: null };
      return holds(this.sync, status?.assignment?.epoch)
        ? this.writeStatus(this.sync, { state: 'STOPPED', assignment: null, ...forget })
        : false;
    }
    // A fresh read comes before everything.
    if (process.runs !== undefined || !holds(this.sync, status?.assignment?.epoch)) return false;
    process.runs = status?.assignment?.epoch;
    const versions = { uid: 'x', generation: 1 };
    const started = {
      epoch: process.runs ?? 0,
      generation: 1,
      specDigest: '',
      source: versions,
      pusher: versions,
      // Another begin is another time.
      time: String(this.#serial),
    };
    return this.writeStatus(this.sync, { state: 'MESSAGE_SYNC', started });
  }

  start(name: AgentName): void {
    const before = this.processes.get(name);
    // The state folder's lock: a process that lives keeps another one out.
    if (before !== undefined && (before.state === 'alive' || before.state === 'cut off')) return;
    this.processes.set(name, { instance: `i${(this.#serial += 1)}`, state: 'alive', runs: undefined });
  }

  end(name: AgentName, how: 'stopped' | 'cut off' | 'lost'): void {
    const process = this.processes.get(name);
    if (process === undefined || process.state === 'stopped' || process.state === 'lost') return;
    // One that is cut off ends its runs before its Lease runs out.
    process.runs = undefined;
    process.state = how;
  }
}

const agent = fc.constantFrom(...AGENTS);
const behind = fc.nat(3);
const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({ do: fc.constant('operate' as const), behind, lostForMs: fc.constantFrom(0, 60_000) }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('work' as const), agent, behind }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('start' as const), agent }) },
  {
    weight: 1,
    arbitrary: fc.record({ do: fc.constantFrom('stopped' as const, 'cut off' as const, 'lost' as const), agent }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('mend' as const), agent }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('desire' as const),
      state: fc.constantFrom('Running' as const, 'Stopped' as const),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('enable' as const), task: fc.boolean(), source: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('restart' as const), text: fc.constantFrom('one', 'two') }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('delete' as const) }) },
);

function apply(model: Model, action: typeof step extends fc.Arbitrary<infer S> ? S : never): void {
  const { metadata, spec } = model.sync;
  if (action.do === 'operate') model.operate(action.behind, action.lostForMs);
  else if (action.do === 'work') model.work(action.agent, action.behind);
  else if (action.do === 'start') model.start(action.agent);
  else if (action.do === 'mend') {
    const process = model.processes.get(action.agent);
    if (process?.state === 'cut off') process.state = 'alive';
  } else if (action.do === 'stopped' || action.do === 'cut off' || action.do === 'lost')
    model.end(action.agent, action.do);
  else if (model.gone) return;
  else if (action.do === 'desire') model.store({ spec: { ...spec, desiredState: action.state } }, true);
  else if (action.do === 'enable') {
    model.sourceEnabled = action.source;
    model.store({ spec: { ...spec, disabled: !action.task } }, true);
  } else if (action.do === 'restart')
    model.store({ metadata: { ...metadata, annotations: { [RESTART_ANNOTATION]: action.text } } });
  else if (metadata.deletionTimestamp === undefined)
    model.store({ metadata: { ...metadata, deletionTimestamp: new Date(NOW).toISOString() } });
}

describe('operators and agents, with copies of any age', () => {
  it('never run a task twice, and come to rest where they are asked to', () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
        const model = new Model();
        model.start('a1');
        for (const action of steps) {
          apply(model, action);
          expect(model.running.length).toBeLessThanOrEqual(1);
        }
        // All agents are there again, and everybody sees what is.
        for (const name of AGENTS) {
          if (model.processes.get(name)?.state === 'cut off') model.end(name, 'lost');
          model.start(name);
        }
        for (let rounds = 0, changed = true; changed; rounds += 1) {
          changed = model.operate(0, 60_000);
          for (const name of AGENTS) changed = model.work(name, 0) || changed;
          expect(model.running.length).toBeLessThanOrEqual(1);
          expect(rounds).toBeLessThan(20);
        }
        const { spec, metadata, status } = model.sync;
        if (metadata.deletionTimestamp !== undefined) expect(model.gone).toBe(true);
        if (model.gone) expect(model.running).toEqual([]);
        else if (spec.desiredState === 'Stopped') expect([model.running, status?.state]).toEqual([[], 'STOPPED']);
        else if (spec.disabled === false && model.sourceEnabled) {
          expect(model.running).toHaveLength(1);
          expect(status?.state).toBe('MESSAGE_SYNC');
          expect(pendingRestart(model.sync)).toBeUndefined();
        }
      }),
      { numRuns: 2000 },
    );
  });
});
