import { describe, expect, it } from 'vitest';
import { agentWith } from '../deploytask/task-fixture.ts';
import { affectsPlacement } from './affects-placement.ts';

describe('affectsPlacement', () => {
  const agent = agentWith('a1', { metadata: { name: 'a1', generation: 1, labels: { zone: 'x' } } });
  it.each([
    ['is new', agent, undefined, true],
    ['is gone', undefined, agent, true],
    ['has another spec', { ...agent, metadata: { ...agent.metadata, generation: 2 } }, agent, true],
    ['has other labels', { ...agent, metadata: { ...agent.metadata, labels: {} } }, agent, true],
    ['can run other types', { ...agent, status: { taskTypes: ['shell'] } }, agent, true],
    ['is being stopped', { ...agent, status: { ...agent.status, draining: true } }, agent, true],
    ['has another condition', { ...agent, status: { ...agent.status, conditions: [] } }, agent, false],
  ])('an agent that %s', (_what, now, before, expected) => {
    expect(affectsPlacement(now, before)).toBe(expected);
  });
});
