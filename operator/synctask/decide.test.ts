import { describe, expect, it } from 'vitest';
import { RESTART_ANNOTATION } from '../../kube/sync-restart.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { agentWith, at, LOST, ONLINE, QUIET, RELEASED } from '../deploytask/task-fixture.ts';
import { decideSync } from './decide.ts';
import type { SyncDecision } from './decision.ts';
import { assignedSync, pusherWith, sourceWith, syncAgentWith, syncWith, syncWorldWith } from './sync-fixture.ts';
import type { SyncWorld } from './world.ts';

const statusOf = (decision: SyncDecision): object => (decision.do === 'status' ? decision.status : {});

const scheduled = (status: 'True' | 'False', reason: string): object => ({
  conditions: expect.arrayContaining([expect.objectContaining({ type: 'Scheduled', status, reason })]) as unknown,
});

const drainingSyncAgent = syncAgentWith('a1', { status: { taskTypes: ['sync-action'], draining: true } });

/** The task as it is when the operator had its way until nothing is left to do. */
function settle(sync: SyncTask, world: SyncWorld): SyncTask {
  let current = sync;
  for (let steps = 0; steps < 5; steps += 1) {
    const decision = decideSync(current, world);
    if (decision.do === 'wait') return current;
    if (decision.do === 'finalizers')
      current = { ...current, metadata: { ...current.metadata, finalizers: [...decision.finalizers] } };
    else {
      const merged = Object.entries({ ...current.status, ...decision.status }).filter(([, value]) => value !== null);
      current = { ...current, status: Object.fromEntries(merged) };
    }
  }
  throw new Error('the operator never comes to rest');
}

describe('decideSync', () => {
  it('holds a new task by a finalizer before it assigns it', () => {
    const sync = syncWith({}, undefined, { finalizers: [] });
    expect(decideSync(sync, syncWorldWith())).toEqual({ do: 'finalizers', finalizers: ['tiangong.io/cleanup'] });
    expect(settle(sync, syncWorldWith()).status).toMatchObject({
      epoch: 1,
      observedGeneration: 1,
      assignment: { agent: 'a1', instance: 'i1', epoch: 1 },
      ...scheduled('True', 'Dispatched'),
    });
  });

  it.each([
    ['Stopped', { desiredState: 'Stopped' } as const, {}],
    ['Disabled', { disabled: true }, {}],
    ['SourceNotFound', {}, { source: null }],
    ['SourceDisabled', {}, { source: sourceWith({ disabled: true }) }],
    ['PusherNotFound', {}, { pusher: null }],
    ['PusherDisabled', {}, { pusher: pusherWith({ disabled: true }) }],
    ['AgentNotFound', { agent: 'a2' }, {}],
    ['AgentOffline', { agent: 'a1' }, { presence: QUIET }],
    ['AgentUnschedulable', { agent: 'a1' }, { agents: [syncAgentWith('a1', { spec: { unschedulable: true } })] }],
    ['AgentDraining', { agent: 'a1' }, { agents: [drainingSyncAgent] }],
    ['NoAgentAvailable', {}, { agents: [drainingSyncAgent] }],
    ['SyncsNotSupported', { agent: 'a1' }, { agents: [agentWith('a1')] }],
    ['NoAgentAvailable', {}, { agents: [agentWith('a1')] }],
    ['NoAgentAvailable', {}, { presence: QUIET }],
    ['NoAgentAvailable', {}, { agents: [] }],
  ])('says %s once, and that the task is stopped', (reason, spec, world) => {
    const settled = settle(syncWith(spec), syncWorldWith(world));
    expect(settled.status).toMatchObject({ state: 'STOPPED', ...scheduled('False', reason) });
    expect(settled.status?.conditions).toContainEqual(
      expect.objectContaining({ type: 'Ready', status: 'False', reason }),
    );
    expect(settled.status?.assignment).toBeUndefined();
  });

  it('takes the least loaded agent, and of equal ones the first by name', () => {
    const agents = [syncAgentWith('c'), syncAgentWith('b'), syncAgentWith('a')];
    const chosen = (load: Record<string, number>): object =>
      statusOf(decideSync(syncWith(), syncWorldWith({ agents, load })));
    expect(chosen({ a: 2, b: 1, c: 1 })).toMatchObject({ assignment: { agent: 'b' } });
    expect(chosen({ a: 2, b: 2, c: 1 })).toMatchObject({ assignment: { agent: 'c' } });
  });

  it('lets a running task go on whatever becomes of its configuration', () => {
    for (const world of [{ source: sourceWith({ disabled: true }) }, { pusher: null }, { agents: [] }])
      expect(decideSync(syncWith({ disabled: true }, assignedSync), syncWorldWith(world))).toEqual({ do: 'wait' });
  });

  it('shows that it saw a new generation of a running task', () => {
    const sync = syncWith({ desiredState: 'Stopped' }, assignedSync, { generation: 2 });
    expect(decideSync(sync, syncWorldWith())).toMatchObject({ do: 'status', status: { observedGeneration: 2 } });
  });

  it('answers a restart when it assigns, not before the agent has given the task back', () => {
    const annotations = { [RESTART_ANNOTATION]: 'now' };
    expect(decideSync(syncWith({}, assignedSync, { annotations }), syncWorldWith())).toEqual({ do: 'wait' });
    const { assignment: _, ...stopped } = assignedSync;
    expect(statusOf(decideSync(syncWith({}, stopped, { annotations }), syncWorldWith()))).toMatchObject({
      epoch: 4,
      restartedAt: 'now',
      assignment: { epoch: 4 },
    });
  });

  it('moves a task at once when its process gave its Lease back or was replaced', () => {
    const agents = [syncAgentWith('a1'), syncAgentWith('a2')];
    const released = syncWorldWith({ agents, presence: (name) => (name === 'a1' ? RELEASED : ONLINE) });
    expect(statusOf(decideSync(syncWith({}, assignedSync), released))).toMatchObject({
      assignment: { agent: 'a2', epoch: 4 },
    });
    const replaced = syncWorldWith({ presence: { ...ONLINE, instance: 'i2' } });
    expect(statusOf(decideSync(syncWith({}, assignedSync), replaced))).toMatchObject({
      assignment: { agent: 'a1', instance: 'i2', epoch: 4 },
    });
  });

  it('waits for a push under way before it moves the task of an agent that fell silent', () => {
    const world = (lostForMs: number): SyncWorld =>
      syncWorldWith({
        agents: [syncAgentWith('a1'), syncAgentWith('a2')],
        presence: (name) => (name === 'a1' ? LOST : ONLINE),
        lostForMs,
      });
    const sync = syncWith({}, assignedSync);
    expect(decideSync(sync, world(10_000))).toEqual({ do: 'wait', forMs: 20_000 });
    expect(statusOf(decideSync(sync, world(30_000)))).toMatchObject({ assignment: { agent: 'a2', epoch: 4 } });
  });

  it('stops a task whose agent is gone when it is disabled by then, or pinned to that agent', () => {
    const world = syncWorldWith({ presence: LOST, lostForMs: 60_000 });
    const disabled = settle(syncWith({ disabled: true }, assignedSync), world);
    expect(disabled.status).toMatchObject({ state: 'STOPPED', ...scheduled('False', 'Disabled') });
    const pinned = settle(syncWith({ agent: 'a1' }, assignedSync), world);
    expect(pinned.status).toMatchObject({ state: 'STOPPED', epoch: 3, ...scheduled('False', 'AgentOffline') });
    expect(pinned.status?.assignment).toBeUndefined();
  });
});

describe('decideSync on a deleted task', () => {
  const deleted = { deletionTimestamp: at(-5) };
  const started = {
    ...{ epoch: 3, generation: 1, specDigest: 'x', time: at(-30) },
    ...{ source: { uid: 's', generation: 1 }, pusher: { uid: 'p', generation: 1 } },
  };

  it('lets one go that never ran', () => {
    expect(decideSync(syncWith({}, undefined, deleted), syncWorldWith())).toEqual({ do: 'finalizers', finalizers: [] });
  });

  it('waits for the agent of one that runs, a minute at most', () => {
    const sync = syncWith({}, { ...assignedSync, started }, deleted);
    expect(decideSync(sync, syncWorldWith())).toEqual({ do: 'wait', forMs: 55_000 });
    expect(decideSync(sync, syncWorldWith({ now: Date.parse(at(56)) }))).toMatchObject({
      do: 'finalizers',
      finalizers: [],
      notice: { reason: 'DeletionNotReported' },
    });
  });

  it('has an agent clean up after one that ran before', () => {
    const { assignment: _, ...stopped } = assignedSync;
    const sync = syncWith({ desiredState: 'Stopped' }, { ...stopped, started }, deleted);
    expect(statusOf(decideSync(sync, syncWorldWith()))).toMatchObject({ assignment: { agent: 'a1', epoch: 4 } });
    expect(decideSync(sync, syncWorldWith({ agents: [] }))).toEqual({ do: 'wait', forMs: 55_000 });
    const { started: _gone, ...cleaned } = sync.status ?? {};
    expect(decideSync({ ...sync, status: cleaned }, syncWorldWith())).toEqual({ do: 'finalizers', finalizers: [] });
  });
});
