import { describe, expect, it } from 'vitest';
import { timeoutSecondsOf } from '../../kube/task-state.ts';
import { decide } from './decide.ts';
import { slimTask } from './slim-task.ts';
import { at, running, taskWith, worldWith } from './task-fixture.ts';

describe('slimTask', () => {
  it('drops what may be large and is never read, and nothing that a decision depends on', () => {
    const make = (): ReturnType<typeof taskWith> =>
      taskWith(
        { command: 'x'.repeat(60_000), params: { url: 'http://x', env: { A: 'y'.repeat(1000) } } },
        {
          ...running,
          startTime: at(-99_999),
          result: { text: 'z'.repeat(12_000), bytes: 12_000 },
          log: { total: 1, lines: [{ id: 1, message: 'm'.repeat(12_000) }] },
        },
        { annotations: { 'kubectl.kubernetes.io/last-applied-configuration': 'c'.repeat(60_000) } },
      );
    const slim = slimTask(make());
    expect(JSON.stringify(slim).length).toBeLessThan(1000);
    expect(decide(slim, worldWith({}))).toEqual(decide(make(), worldWith({})));
  });

  it('keeps what bounds the run of a database task', () => {
    const params = { target: { host: 'db' }, exec_options: { timeout_ms: 7_200_000, sleep_ms: 5 } };
    const slim = slimTask(taskWith({ type: 'postgres', command: 'SELECT 1', params }, running));
    expect(timeoutSecondsOf(slim)).toBe(7230);
  });

  it('takes a task that has no status', () => {
    const task = taskWith();
    delete task.status;
    expect(slimTask(task).status).toBeUndefined();
  });
});
