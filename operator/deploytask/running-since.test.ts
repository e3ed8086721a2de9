import { describe, expect, it } from 'vitest';
import { RunningSince } from './running-since.ts';
import { NOW, assigned, at, running, taskWith } from './task-fixture.ts';

const since = (status: typeof running, sawStart: boolean): number => {
  const known = new RunningSince();
  const task = taskWith({}, status);
  known.observe('d/1', task, sawStart ? taskWith({}, assigned) : undefined, NOW);
  return (known.of('d/1', task, NOW + 5000) - NOW) / 1000;
};

describe('RunningSince', () => {
  it('believes what it saw more than the clock of the agent', () => {
    expect(since({ ...running, startTime: at(-9999) }, true)).toBe(0);
    expect(since({ ...running, startTime: at(9999) }, true)).toBe(0);
  });

  it('takes the start time of a task that ran before it could be seen', () => {
    expect(since(running, false)).toBe(-20);
  });

  it('does not believe that a task started before it was assigned, or after it was seen running', () => {
    expect(since({ ...running, startTime: at(-9999) }, false)).toBe(-30);
    expect(since({ ...running, startTime: at(9999) }, false)).toBe(0);
  });

  it('forgets a task that no longer runs', () => {
    const known = new RunningSince();
    known.observe('d/1', taskWith({}, running), taskWith({}, assigned), NOW);
    known.observe('d/1', undefined, undefined, NOW);
    expect(known.of('d/1', taskWith({}, running), NOW)).toBe(Date.parse(at(-20)));
  });
});
