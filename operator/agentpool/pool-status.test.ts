import { describe, expect, it } from 'vitest';
import type { Condition } from '../../kube/object.ts';
import type { AgentPool } from '../../kube/types/agentpool.ts';
import type { DaemonSet, Deployment, Pod, Workload } from './kinds.ts';
import { poolWith } from './pool-fixture.ts';
import { saysAlready, stalledStatus, statusOf } from './pool-status.ts';
import type { PoolStatusPatch } from './pool-status.ts';

const NOW = new Date('2026-01-01T12:00:00.000Z');
const LATER = new Date('2026-01-01T13:00:00.000Z');

const deployment = (status: Deployment['status'] = {}, replicas = 2): Workload => ({
  metadata: { name: 'web', namespace: 'home', generation: 2 },
  spec: { replicas, selector: {}, template: {} },
  status: { observedGeneration: 2, ...status },
});

const all = (count: number): Deployment['status'] => ({
  replicas: count,
  updatedReplicas: count,
  readyReplicas: count,
  availableReplicas: count,
});

const podWith = (name: string, extra: Partial<Pod['status']> & { nodeName?: string } = {}): Pod => {
  const { nodeName, ...status } = extra;
  return { metadata: { name }, spec: nodeName === undefined ? {} : { nodeName }, status };
};

const waiting = (reason: string, message = ''): Partial<Pod['status']> => ({
  containerStatuses: [
    {
      name: 'agent',
      state: { waiting: { reason, message } },
      lastState: { terminated: { exitCode: 1, message: 'noise\nend of a stack","msg":"unknown setting \\"x\\""}\n' } },
    },
  ],
});

const conditionsOf = ({ conditions }: PoolStatusPatch): Record<string, string> =>
  Object.fromEntries(
    (conditions as Condition[]).map(({ type, status, reason }) => [type, `${status} ${reason}`] as const),
  );

const readyOf = (workload: Workload, pods: Pod[] = [], pool: AgentPool = poolWith()): string | undefined =>
  (statusOf(pool, workload, pods, NOW).conditions as Condition[]).find(({ type }) => type === 'Ready')?.message;

describe('statusOf', () => {
  it('is ready when every agent is as the pool says', () => {
    const status = statusOf(poolWith(), deployment(all(2)), [], NOW);
    expect(status).toMatchObject({
      observedGeneration: 3,
      workload: { kind: 'Deployment', namespace: 'home', name: 'web' },
      ...{ desired: 2, current: 2, updated: 2, ready: 2, available: 2 },
    });
    expect(conditionsOf(status)).toEqual({
      Ready: 'True AgentsReady',
      Reconciling: 'False AgentsReady',
      Stalled: 'False AgentsReady',
    });
  });

  it.each<[string, Deployment['status'], string]>([
    ['the workload was not looked at yet', { ...all(2), observedGeneration: 1 }, 'AgentsNotReady'],
    ['some are old', { ...all(2), updatedReplicas: 1 }, 'RollingOut'],
    ['some are too many', { ...all(2), replicas: 3 }, 'RollingOut'],
    ['some are not there', { ...all(2), readyReplicas: 1, availableReplicas: 1 }, 'AgentsNotReady'],
  ])('is on the way when %s', (_what, status, reason) => {
    expect(conditionsOf(statusOf(poolWith(), deployment(status), [], NOW))).toMatchObject({
      Ready: `False ${reason}`,
      Reconciling: `True ${reason}`,
      Stalled: expect.stringContaining('False') as string,
    });
  });

  it('is ready with no agents when none are wanted', () => {
    expect(readyOf(deployment(all(0), 0))).toBe('no agents are wanted');
  });

  it('counts the pods of a DaemonSet', () => {
    const workload: DaemonSet = {
      metadata: { name: 'web', namespace: 'home', generation: 1 },
      status: {
        observedGeneration: 1,
        desiredNumberScheduled: 3,
        currentNumberScheduled: 3,
        updatedNumberScheduled: 3,
        numberReady: 3,
        numberAvailable: 3,
      },
    };
    expect(readyOf(workload, [], poolWith({ workload: 'DaemonSet' }))).toBe('all 3 agents are ready');
  });

  it('is stalled when Kubernetes gives up', () => {
    const conditions = [
      { type: 'Progressing', status: 'False', reason: 'ProgressDeadlineExceeded', message: 'timed out' },
    ];
    expect(conditionsOf(statusOf(poolWith(), deployment({ conditions }), [], NOW))).toEqual({
      Ready: 'False ProgressDeadlineExceeded',
      Reconciling: 'False ProgressDeadlineExceeded',
      Stalled: 'True ProgressDeadlineExceeded',
    });
    const refused = [{ type: 'ReplicaFailure', status: 'True', reason: 'FailedCreate', message: 'forbidden' }];
    expect(conditionsOf(statusOf(poolWith(), deployment({ conditions: refused }), [], NOW))).toMatchObject({
      Stalled: 'True FailedCreate',
    });
  });

  it('says what keeps the first pod with a problem from running', () => {
    const pulling = podWith('web-b', waiting('ErrImagePull', 'not found'));
    const crashing = podWith('web-c', waiting('CrashLoopBackOff', 'back-off 10s'));
    const misconfigured = podWith('web-d', waiting('CreateContainerConfigError', 'secret "x" not found'));
    const fine = podWith('web-a', waiting('ContainerCreating'));
    expect(readyOf(deployment(), [crashing, pulling, fine])).toContain('; pod web-b cannot pull its image');
    expect(readyOf(deployment(), [crashing])).toContain(
      'pod web-c ends again and again with exit status 1: unknown setting "x"',
    );
    expect(readyOf(deployment(), [misconfigured])).toContain('pod web-d: secret "x" not found');
    const conditions = [
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable', message: '0/3 nodes are available' },
    ];
    expect(readyOf(deployment(), [podWith('web-e', { conditions })])).toContain(
      'pod web-e finds no node: 0/3 nodes are available',
    );
  });

  it('is stalled when the name of an agent would be too long', () => {
    const nodeName = 'n'.repeat(60);
    const pool = poolWith({ workload: 'DaemonSet' });
    expect(conditionsOf(statusOf(pool, deployment(), [podWith('web-x', { nodeName })], NOW))).toMatchObject({
      Stalled: 'True AgentNameTooLong',
    });
    const just = podWith('web-x', { nodeName: 'n'.repeat(59) });
    expect(conditionsOf(statusOf(pool, deployment(), [just], NOW))).toMatchObject({ Stalled: 'False AgentsReady' });
  });
});

describe('saysAlready', () => {
  const workload = deployment(all(2));
  const written = poolWith({}, statusOf(poolWith(), workload, [], NOW) as NonNullable<AgentPool['status']>);

  it('holds for a status that was written, at any later time', () => {
    expect(saysAlready(written, statusOf(written, workload, [], LATER))).toBe(true);
  });

  it('does not hold for other counts or conditions', () => {
    expect(saysAlready(written, statusOf(written, deployment(all(1)), [], LATER))).toBe(false);
    const stalled = stalledStatus(written, { reason: 'NameConflict', message: 'taken' }, LATER);
    expect(saysAlready(written, stalled)).toBe(false);
    expect(conditionsOf(stalled)).toMatchObject({ Ready: 'False NameConflict', Stalled: 'True NameConflict' });
  });
});
