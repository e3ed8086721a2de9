import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TaskQueue } from './task-queue.ts';
import type { QueuedTask } from './task-queue.ts';

const task = (uid: string, priority: number, second: number): QueuedTask => ({
  uid,
  priority,
  name: `task-${uid}`,
  namespace: 'default',
  resourceVersion: '1',
  epoch: 1,
  createdAt: `2026-01-01T00:00:${String(second).padStart(2, '0')}Z`,
  idempotent: false,
});

function drain(queue: TaskQueue): string[] {
  const order: string[] = [];
  for (let next = queue.take(); next !== undefined; next = queue.take()) order.push(next.uid);
  return order;
}

describe('TaskQueue', () => {
  it('gives tasks by priority, then age, then name', () => {
    const queue = new TaskQueue();
    for (const item of [task('b', 0, 1), task('a', 0, 1), task('c', 0, 0), task('d', 9, 5)]) queue.put(item);
    expect(drain(queue)).toEqual(['d', 'c', 'a', 'b']);
  });

  it('agrees with a sorted list under any puts, changes of priority and removals', () => {
    const uid = fc.integer({ min: 0, max: 30 }).map((n) => `u${String(n).padStart(2, '0')}`);
    const step = fc.oneof(
      { weight: 4, arbitrary: fc.tuple(fc.constant('put'), uid, fc.integer({ min: -3, max: 3 }), fc.nat({ max: 9 })) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('remove'), uid, fc.constant(0), fc.constant(0)) },
      { weight: 1, arbitrary: fc.tuple(fc.constant('take'), uid, fc.constant(0), fc.constant(0)) },
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
        const queue = new TaskQueue();
        const model = new Map<string, QueuedTask>();
        const sorted = (): string[] =>
          [...model.values()]
            .sort(
              (a, b) => b.priority - a.priority || a.createdAt.localeCompare(b.createdAt) || (a.uid < b.uid ? -1 : 1),
            )
            .map((item) => item.uid);
        for (const [what, id, priority, second] of steps) {
          if (what === 'put') {
            queue.put(task(id, priority, second));
            model.set(id, task(id, priority, second));
          } else if (what === 'remove') {
            queue.remove(id);
            model.delete(id);
          } else {
            const expected = sorted()[0];
            expect(queue.take()?.uid).toBe(expected);
            if (expected !== undefined) model.delete(expected);
          }
          expect(queue.size).toBe(model.size);
        }
        expect(drain(queue)).toEqual(sorted());
      }),
    );
  });
});
