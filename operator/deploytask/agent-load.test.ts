import { describe, expect, it } from 'vitest';
import { AgentLoad } from './agent-load.ts';
import { assigned, running, taskWith } from './task-fixture.ts';

describe('AgentLoad', () => {
  it('counts what is assigned and running, and nothing else', () => {
    const load = new AgentLoad();
    load.observe('d/1', taskWith({}, assigned));
    load.observe('d/2', taskWith({}, running));
    load.observe('d/3', taskWith({}, { ...running, state: 'Succeeded' }));
    load.observe('d/4', taskWith({}, { ...assigned, state: 'Pending' }));
    load.observe('d/5', taskWith());
    expect(load.of('a1')).toBe(2);
    load.observe('d/1', undefined);
    load.observe('d/2', taskWith({}, { ...running, state: 'Failed' }));
    expect(load.of('a1')).toBe(0);
  });

  it('counts an assignment from the decision on, though the informer still shows the task without it', () => {
    const load = new AgentLoad();
    load.assume('d/1', taskWith(), 'a1', 1);
    load.observe('d/1', taskWith({ priority: 5 }));
    expect(load.of('a1')).toBe(1);
    load.observe('d/1', taskWith({}, assigned));
    expect(load.of('a1')).toBe(1);
    load.observe('d/1', taskWith({}, { ...assigned, state: 'Canceled' }));
    expect(load.of('a1')).toBe(0);
  });

  it('forgets an assignment that was not written', () => {
    const load = new AgentLoad();
    load.observe('d/1', taskWith({}, assigned));
    load.assume('d/1', taskWith({}, assigned), 'a2', 2);
    expect([load.of('a1'), load.of('a2')]).toEqual([0, 1]);
    load.revoke('d/1', taskWith({}, assigned));
    expect([load.of('a1'), load.of('a2')]).toEqual([1, 0]);
  });

  it.each([
    ['was ended before the assignment got through', taskWith({}, { state: 'Canceled' })],
    ['was replaced by one of the same name', taskWith({}, {}, { uid: 'u2' })],
    ['is gone', undefined],
  ])('does not count an assumption about a task that %s', (_what, task) => {
    const load = new AgentLoad();
    load.assume('d/1', taskWith(), 'a1', 1);
    load.observe('d/1', task);
    expect(load.of('a1')).toBe(0);
  });
});
