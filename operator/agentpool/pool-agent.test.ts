import { describe, expect, it } from 'vitest';
import { agentWith, LOST, ONLINE, QUIET, RELEASED } from '../deploytask/task-fixture.ts';
import { decidePoolAgent } from './pool-agent.ts';
import type { PoolAgentWorld } from './pool-agent.ts';
import { poolWith } from './pool-fixture.ts';

const HOUR = 3_600_000;
const agent = agentWith('web-1', { spec: { maxConcurrent: 5, tags: ['mine'] } });

const worldWith = (world: Partial<PoolAgentWorld> = {}): PoolAgentWorld => ({
  ...{ pool: poolWith(), hasPod: false, podlessMs: HOUR, presence: LOST, hasWork: false },
  ...world,
});

describe('decidePoolAgent', () => {
  it.each([LOST, RELEASED])('deletes an agent whose pod is gone for good', (presence) => {
    expect(decidePoolAgent(agent, worldWith({ presence }))).toEqual({ do: 'delete' });
    expect(decidePoolAgent(agent, worldWith({ presence, pool: undefined }))).toEqual({ do: 'delete' });
  });

  it.each([
    ['it renews its Lease', { presence: ONLINE }],
    ['it may renew its Lease yet', { presence: QUIET }],
    ['its tasks are not resolved', { hasWork: true }],
    ['its pod went a moment ago', { podlessMs: 100 }],
    ['its pod is there', { hasPod: true, podlessMs: 0 }],
    ['its node may get another pod', { pool: poolWith({ workload: 'DaemonSet' }), podlessMs: 60_000 }],
  ])('leaves an agent while %s', (_what, world) => {
    expect(decidePoolAgent(agent, worldWith(world)).do).toBe('wait');
  });

  it('looks again in time', () => {
    const node = worldWith({ pool: poolWith({ workload: 'DaemonSet' }), podlessMs: 60_000 });
    expect(decidePoolAgent(agent, node)).toEqual({ do: 'wait', forMs: 240_000 });
    expect(decidePoolAgent(agent, worldWith({ hasWork: true }))).toEqual({ do: 'wait', forMs: 10_000 });
    expect(decidePoolAgent(agent, worldWith({ hasPod: true }))).toEqual({ do: 'wait' });
  });

  it('sets what the pool says of its agents, and leaves the rest to people', () => {
    const pool = poolWith({ maxConcurrent: 2, namespaces: ['shop'] });
    expect(decidePoolAgent(agent, worldWith({ pool, hasPod: true }))).toEqual({
      do: 'spec',
      spec: { maxConcurrent: 2, namespaces: ['shop'] },
    });
    const set = agentWith('web-1', { spec: { maxConcurrent: 2, namespaces: ['shop'], unschedulable: true } });
    expect(decidePoolAgent(set, worldWith({ pool, hasPod: true }))).toEqual({ do: 'wait' });
  });

  it('gives nothing to an agent that only says that it is of the pool', () => {
    const pool = poolWith({ namespaces: ['*'] });
    expect(decidePoolAgent(agent, worldWith({ pool, presence: ONLINE })).do).toBe('wait');
  });
});
