import { describe, expect, it } from 'vitest';
import { withCondition } from '../../kube/conditions.ts';
import { endConditions } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { decide } from './decide.ts';
import { CLEANUP_FINALIZER } from './finalizer.ts';
import {
  LOST,
  NOW,
  ONLINE,
  QUIET,
  RELEASED,
  agentWith,
  assigned,
  at,
  running,
  selectingTask,
  taskWith,
  worldWith,
} from './task-fixture.ts';
import type { World } from './world.ts';

/** What a decision comes to, in short: the state and reason it sets, or what else it does. */
function outline(task: DeployTask, world: World): string {
  const decision = decide(task, world);
  if (decision.do !== 'status') return decision.do;
  const { state = 'same', conditions = [] } = decision.status;
  const type = state === 'Assigned' || state === 'Pending' ? 'Assigned' : 'Succeeded';
  return `${state} ${conditions.find((condition) => condition.type === type)?.reason ?? ''}`.trim();
}

const pending: DeployTaskStatus = { ...assigned, state: 'Pending' };
const succeeded: DeployTaskStatus = {
  ...running,
  state: 'Succeeded',
  completionTime: at(-10),
  conditions: endConditions([], 'Succeeded', 'Completed', 'exit status 0', 1, new Date(NOW)),
};
const deleted = { deletionTimestamp: at(-5), finalizers: [CLEANUP_FINALIZER] };

describe('decide, before the end', () => {
  const one = worldWith({});
  const table: [what: string, task: DeployTask, world: World, outline: string][] = [
    ['a new task is assigned', taskWith(), one, 'Assigned Dispatched'],
    ['a pending task is assigned', taskWith({}, pending), one, 'Assigned Dispatched'],
    ['an assigned task is left alone', taskWith({}, assigned), one, 'wait'],
    ['a running task is left alone', taskWith({}, running), one, 'wait'],

    ['no such agent', taskWith(), worldWith({ agents: [] }), 'Pending AgentNotFound'],
    ['the agent is lost', taskWith(), worldWith({ presence: LOST }), 'Pending AgentOffline'],
    ['the agent is quiet', taskWith(), worldWith({ presence: QUIET }), 'Pending AgentOffline'],
    ['the agent was stopped', taskWith(), worldWith({ presence: RELEASED }), 'Pending AgentOffline'],
    [
      'the agent takes no new tasks',
      taskWith(),
      worldWith({ agents: [agentWith('a1', { spec: { unschedulable: true } })] }),
      'Pending AgentUnschedulable',
    ],
    [
      'the agent is being stopped',
      taskWith(),
      worldWith({ agents: [agentWith('a1', { status: { draining: true, taskTypes: ['shell'] } })] }),
      'Pending AgentDraining',
    ],
    [
      'its agent is being stopped before the start',
      taskWith({}, assigned),
      worldWith({ agents: [agentWith('a1', { status: { draining: true, instance: 'i1', taskTypes: ['shell'] } })] }),
      'Pending AgentDraining',
    ],
    [
      'another process of its agent was being stopped',
      taskWith({}, assigned),
      worldWith({ agents: [agentWith('a1', { status: { draining: true, instance: 'i0', taskTypes: ['shell'] } })] }),
      'wait',
    ],
    [
      'its agent is being stopped while it runs',
      taskWith({}, running),
      worldWith({ agents: [agentWith('a1', { status: { draining: true, instance: 'i1', taskTypes: ['shell'] } })] }),
      'wait',
    ],
    ['the agent cannot run the type', taskWith({ type: 'mongo' }), one, 'Pending TaskTypeNotSupported'],
    ['another namespace', taskWith({}, {}, { namespace: 'other' }), one, 'Pending NamespaceNotServed'],
    [
      'another namespace that is served',
      taskWith({}, {}, { namespace: 'other' }),
      worldWith({ agents: [agentWith('a1', { spec: { namespaces: ['other'] } })] }),
      'Assigned Dispatched',
    ],
    [
      'any namespace is served',
      taskWith({}, {}, { namespace: 'other' }),
      worldWith({ agents: [agentWith('a1', { spec: { namespaces: ['*'] } })] }),
      'Assigned Dispatched',
    ],
    ['no agent matches', selectingTask({ matchLabels: { zone: 'x' } }), one, 'Pending NoMatchingAgent'],

    ['canceled when new', taskWith({ cancel: true }), one, 'Canceled CanceledByUser'],
    ['canceled when pending', taskWith({ cancel: true }, pending), one, 'Canceled CanceledByUser'],
    ['canceled when assigned', taskWith({ cancel: true }, assigned), one, 'Canceled CanceledByUser'],
    ['canceled when running, which is the agent’s', taskWith({ cancel: true }, running), one, 'wait'],

    ['deleted before it was ever assigned', taskWith({}, {}, deleted), one, 'finalizers'],
    ['deleted when pending after an assignment', taskWith({}, pending, deleted), one, 'Canceled CanceledByUser'],
    ['deleted when assigned', taskWith({}, assigned, deleted), one, 'Canceled CanceledByUser'],
    ['deleted when running', taskWith({}, running, deleted), one, 'wait'],
    [
      'deleted when running, and not reported',
      taskWith({}, running, { ...deleted, deletionTimestamp: at(-61) }),
      one,
      'Unknown DeletionNotReported',
    ],

    [
      'waited too long when new',
      taskWith({ startDeadlineSeconds: 50 }),
      worldWith({ agents: [] }),
      'Failed StartDeadlineExceeded',
    ],
    [
      'waited too long when pending',
      taskWith({ startDeadlineSeconds: 50 }, pending),
      one,
      'Failed StartDeadlineExceeded',
    ],
    [
      'waited too long when assigned',
      taskWith({ startDeadlineSeconds: 50 }, assigned),
      one,
      'Failed StartDeadlineExceeded',
    ],
    ['has been started in time', taskWith({ startDeadlineSeconds: 50 }, running), one, 'wait'],
    ['the deadline is a second away at most', taskWith({ startDeadlineSeconds: 60 }), one, 'Assigned Dispatched'],

    [
      'its agent was lost before the start',
      taskWith({}, assigned),
      worldWith({ presence: LOST }),
      'Pending AgentOffline',
    ],
    [
      'its agent was stopped before the start',
      taskWith({}, assigned),
      worldWith({ presence: RELEASED }),
      'Pending AgentOffline',
    ],
    ['its agent is quiet before the start', taskWith({}, assigned), worldWith({ presence: QUIET }), 'wait'],
    [
      'its agent was restarted before the start',
      taskWith({}, assigned),
      worldWith({ presence: { ...ONLINE, instance: 'i2' } }),
      'Assigned Dispatched',
    ],
    ['its agent was lost while it ran', taskWith({}, running), worldWith({ presence: LOST }), 'Unknown AgentLost'],
    ['its agent is quiet while it runs', taskWith({}, running), worldWith({ presence: QUIET }), 'wait'],
    ['its agent was stopped while it ran', taskWith({}, running), worldWith({ presence: RELEASED }), 'wait'],
    [
      'its agent was restarted while it ran',
      taskWith({}, running),
      worldWith({ presence: { ...ONLINE, instance: 'i2' } }),
      'wait',
    ],
    [
      'runs beyond its timeout, but within the grace',
      taskWith({ timeoutSeconds: 5 }, { ...running, startTime: at(-64) }),
      one,
      'wait',
    ],
    [
      'runs beyond its timeout and the grace',
      taskWith({ timeoutSeconds: 5 }, { ...running, startTime: at(-65) }),
      one,
      'Unknown TimeoutNotReported',
    ],
  ];
  it.each(table)('%s', (_what, task, world, expected) => {
    expect(outline(task, world)).toBe(expected);
  });

  it('raises the epoch and names the new process', () => {
    const decision = decide(taskWith({}, assigned), worldWith({ presence: { ...ONLINE, instance: 'i2' } }));
    expect(decision).toMatchObject({ status: { assignment: { agent: 'a1', instance: 'i2', epoch: 2 } } });
  });

  it('keeps the old assignment of a task that must wait, so that epochs never restart', () => {
    const task = taskWith({}, assigned);
    const decision = decide(task, worldWith({ presence: LOST }));
    expect(decision.do === 'status' && 'assignment' in decision.status).toBe(false);
  });

  it('gives the task of a lost agent to another that matches, in one write', () => {
    const task = selectingTask({ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] });
    task.status = assigned;
    const agents = [agentWith('a1'), agentWith('a2')];
    const world = worldWith({ agents, presence: (name) => (name === 'a1' ? LOST : ONLINE) });
    expect(decide(task, world)).toMatchObject({ status: { state: 'Assigned', assignment: { agent: 'a2', epoch: 2 } } });
  });

  it('names the last reason to wait when the start deadline passes', () => {
    const world = worldWith({ agents: [] });
    const first = decide(taskWith(), world);
    if (first.do !== 'status') throw new Error('should have become Pending');
    const decision = decide(taskWith({ startDeadlineSeconds: 50 }, first.status), world);
    const error = 'not started within 50 s: AgentNotFound: there is no agent a1';
    expect(decision).toMatchObject({ status: { state: 'Failed', error }, notice: { message: error } });
  });

  it('does not write the same reason to wait again', () => {
    const world = worldWith({ agents: [] });
    const first = decide(taskWith(), world);
    if (first.do !== 'status') throw new Error('should have become Pending');
    expect(decide(taskWith({}, first.status), world).do).toBe('wait');
    expect(outline(taskWith({}, first.status, { generation: 2 }), world)).toBe('Pending AgentNotFound');
    expect(outline(taskWith({}, first.status), worldWith({ presence: LOST }))).toBe('Pending AgentOffline');
  });

  it('looks again when the next deadline is due', () => {
    expect(decide(taskWith({}, assigned), one)).toEqual({ do: 'wait', forMs: 3_541_000 });
    expect(decide(taskWith({ timeoutSeconds: 10 }, running), one)).toEqual({ do: 'wait', forMs: 50_000 });
    const both = taskWith({ timeoutSeconds: 1000 }, running, deleted);
    expect(decide(both, one)).toEqual({ do: 'wait', forMs: 55_000 });
  });

  it('tells kstatus tools that the task is being worked on', () => {
    const decision = decide(taskWith(), one);
    if (decision.do !== 'status') throw new Error('should have been assigned');
    expect(decision.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'Reconciling', status: 'True', observedGeneration: 1 }),
    );
    expect(decision.status.observedGeneration).toBe(1);
  });

  it('keeps conditions of others', () => {
    const conditions = withCondition([], { type: 'Mine', status: 'True', reason: 'R', message: '' }, new Date(NOW));
    const decision = decide(taskWith({}, { conditions }), one);
    if (decision.do !== 'status') throw new Error('should have been assigned');
    expect(decision.status.conditions?.map(({ type }) => type)).toEqual([
      'Mine',
      'Assigned',
      'Succeeded',
      'Reconciling',
    ]);
  });
});

describe('decide, after the end', () => {
  const one = worldWith({});
  const ended = (spec: Partial<DeployTask['spec']>, metadata: Partial<DeployTask['metadata']> = {}): DeployTask =>
    taskWith(spec, succeeded, metadata);
  const table: [what: string, task: DeployTask, outline: string][] = [
    ['an ended task is left alone', ended({}), 'wait'],
    ['an ended task is kept without a TTL', taskWith({}, { ...succeeded, completionTime: at(-1e6) }), 'wait'],
    ['its TTL has not passed', ended({ ttlSecondsAfterFinished: 11 }), 'wait'],
    ['its TTL has passed', ended({ ttlSecondsAfterFinished: 10 }), 'delete'],
    ['it is being deleted already', ended({ ttlSecondsAfterFinished: 10 }, { deletionTimestamp: at(-1) }), 'wait'],
    ['deleted with our finalizer', ended({}, deleted), 'finalizers'],
    ['deleted with the finalizer of another', ended({}, { ...deleted, finalizers: ['x/y'] }), 'wait'],
    ['its spec changed', ended({}, { generation: 2 }), 'same Completed'],
    ['its spec changed and its TTL has passed', ended({ ttlSecondsAfterFinished: 1 }, { generation: 2 }), 'delete'],
    ['canceled too late', ended({ cancel: true }), 'wait'],
    ['an Unknown task whose agent is back', taskWith({}, { ...succeeded, state: 'Unknown' }), 'wait'],
  ];
  it.each(table)('%s', (_what, task, expected) => {
    expect(outline(task, one)).toBe(expected);
  });

  it('keeps the finalizers of others', () => {
    const finalizers = ['a/b', CLEANUP_FINALIZER, 'c/d'];
    expect(decide(ended({}, { ...deleted, finalizers }), one)).toEqual({
      do: 'finalizers',
      finalizers: ['a/b', 'c/d'],
    });
  });

  it('lifts the observed generation of the status and of every condition, and nothing else', () => {
    const decision = decide(ended({}, { generation: 3 }), one);
    if (decision.do !== 'status') throw new Error('should have written the status');
    expect(decision.status.observedGeneration).toBe(3);
    expect(decision.status.conditions).toEqual(
      succeeded.conditions?.map((condition) => ({ ...condition, observedGeneration: 3 })),
    );
    expect(Object.keys(decision.status)).toEqual(['observedGeneration', 'conditions']);
  });
});
