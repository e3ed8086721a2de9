import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { place } from './placement.ts';
import { matchesLabels } from './label-selector.ts';
import type { LabelSelector } from './label-selector.ts';
import { LOST, ONLINE, agentWith, selectingTask, worldWith } from './task-fixture.ts';

const everywhere = selectingTask({ matchExpressions: [{ key: 'none', operator: 'DoesNotExist' }] });
const labelled = (name: string, labels: Record<string, string>): ReturnType<typeof agentWith> =>
  agentWith(name, { metadata: { name, labels } });

describe('place', () => {
  it('chooses the least loaded of the agents that match', () => {
    const agents = [agentWith('a1'), agentWith('a2'), agentWith('a3')];
    expect(place(everywhere, worldWith({ agents, load: { a1: 3, a2: 1, a3: 2 } }))).toMatchObject({ agent: 'a2' });
  });

  it('measures the load by what an agent can run at once', () => {
    const agents = [
      agentWith('big', { spec: { maxConcurrent: 100 } }),
      agentWith('small', { spec: { maxConcurrent: 2 } }),
    ];
    expect(place(everywhere, worldWith({ agents, load: { big: 10, small: 1 } }))).toMatchObject({ agent: 'big' });
  });

  it('does not wait for a free place', () => {
    expect(place(everywhere, worldWith({ load: { a1: 1000 } }))).toMatchObject({ agent: 'a1' });
  });

  it('passes over agents that are offline or do not match', () => {
    const agents = [labelled('a1', { zone: 'x' }), labelled('a2', { zone: 'y' }), labelled('a3', { zone: 'x' })];
    const world = worldWith({ agents, presence: (name) => (name === 'a1' ? LOST : ONLINE), load: { a3: 50 } });
    expect(place(selectingTask({ matchLabels: { zone: 'x' } }), world)).toEqual({ agent: 'a3', instance: 'i1' });
  });

  it('gives the reason of the agent that is nearest to taking the task', () => {
    const agents = [
      agentWith('a1', { spec: { unschedulable: true } }),
      agentWith('a2', { status: { taskTypes: ['mongo'] } }),
      agentWith('a3'),
    ];
    expect(place(everywhere, worldWith({ agents, presence: LOST }))).toMatchObject({ reason: 'AgentOffline' });
    expect(place(everywhere, worldWith({ agents: agents.slice(0, 2) }))).toMatchObject({
      reason: 'AgentUnschedulable',
    });
  });

  it('takes an agent that has not reported what it can run for offline', () => {
    const { metadata } = agentWith('a1');
    expect(place(everywhere, worldWith({ agents: [{ metadata }] }))).toMatchObject({ reason: 'AgentOffline' });
  });

  it('never chooses an agent with a higher share of load than another that could take the task', () => {
    const loads = fc.array(fc.tuple(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 50 })), {
      minLength: 1,
    });
    fc.assert(
      fc.property(loads, (specs) => {
        const agents = specs.map(([maxConcurrent], i) => agentWith(`a${i}`, { spec: { maxConcurrent } }));
        const load = Object.fromEntries(specs.map(([, count], i) => [`a${i}`, count]));
        const { agent } = place(everywhere, worldWith({ agents, load }));
        const share = (i: number): number => specs[i]![1] / specs[i]![0];
        const best = Math.min(...specs.map((_, i) => share(i)));
        expect(share(Number(agent?.slice(1)))).toBe(best);
      }),
    );
  });
});

describe('matchesLabels', () => {
  const labels = { zone: 'x', disk: '' };
  const table: [selector: LabelSelector, matches: boolean][] = [
    [{}, true],
    [{ matchLabels: { zone: 'x' } }, true],
    [{ matchLabels: { zone: 'y' } }, false],
    [{ matchLabels: { zone: 'x', rack: '1' } }, false],
    [{ matchLabels: { disk: '' } }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'In', values: ['w', 'x'] }] }, true],
    [{ matchExpressions: [{ key: 'rack', operator: 'In', values: ['1'] }] }, false],
    [{ matchExpressions: [{ key: 'zone', operator: 'NotIn', values: ['x'] }] }, false],
    [{ matchExpressions: [{ key: 'rack', operator: 'NotIn', values: ['1'] }] }, true],
    [{ matchExpressions: [{ key: 'disk', operator: 'Exists' }] }, true],
    [{ matchExpressions: [{ key: 'rack', operator: 'Exists' }] }, false],
    [{ matchExpressions: [{ key: 'rack', operator: 'DoesNotExist' }] }, true],
    [{ matchExpressions: [{ key: 'zone', operator: 'DoesNotExist' }] }, false],
    [{ matchLabels: { zone: 'x' }, matchExpressions: [{ key: 'rack', operator: 'Exists' }] }, false],
  ];
  it.each(table)('%j → %s', (selector, matches) => {
    expect(matchesLabels(selector, labels)).toBe(matches);
  });

  it('does not take what every object inherits for a label', () => {
    expect(matchesLabels({ matchExpressions: [{ key: 'constructor', operator: 'Exists' }] }, {})).toBe(false);
  });
});
