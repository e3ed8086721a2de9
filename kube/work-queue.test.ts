import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { WorkQueue } from './work-queue.ts';

/** What the queue must do, in the plainest way: lists that are searched. */
class Model {
  readonly waiting: string[] = [];
  readonly processing: string[] = [];
  readonly again = new Set<string>();
  readonly takers: number[] = [];
  readonly delays: { key: string; at: number; order: number }[] = [];
  /** What each `get` has resolved with, by the number of the call. */
  readonly taken = new Map<number, string | undefined>();
  closed = false;
  now = 0;
  #order = 0;

  add(key: string): void {
    if (this.closed || this.waiting.includes(key)) return;
    if (this.processing.includes(key)) this.again.add(key);
    else this.#push(key);
  }

  addAfter(key: string, ms: number): void {
    if (this.closed) return;
    if (ms === 0) {
      this.add(key);
      return;
    }
    const known = this.delays.findIndex((delay) => delay.key === key);
    if (known >= 0 && this.delays[known]!.at <= this.now + ms) return;
    if (known >= 0) this.delays.splice(known, 1);
    this.delays.push({ key, at: this.now + ms, order: (this.#order += 1) });
  }

  advance(ms: number): void {
    this.now += ms;
    const due = this.delays.filter(({ at }) => at <= this.now).sort((a, b) => a.at - b.at || a.order - b.order);
    for (const delay of due) {
      this.delays.splice(this.delays.indexOf(delay), 1);
      this.add(delay.key);
    }
  }

  get(call: number): void {
    const key = this.waiting.shift();
    if (key !== undefined) this.#take(call, key);
    else if (this.closed) this.taken.set(call, undefined);
    else this.takers.push(call);
  }

  done(key: string): void {
    this.processing.splice(this.processing.indexOf(key), 1);
    if (this.again.delete(key)) this.#push(key);
  }

  shutdown(): void {
    this.closed = true;
    this.delays.length = 0;
    for (const call of this.takers.splice(0)) this.taken.set(call, undefined);
  }

  #push(key: string): void {
    const call = this.takers.shift();
    if (call === undefined) this.waiting.push(key);
    else this.#take(call, key);
  }

  #take(call: number, key: string): void {
    this.processing.push(key);
    this.taken.set(call, key);
  }
}

const key = fc.constantFrom('a', 'b', 'c', 'd');
const operation = fc.oneof(
  { weight: 4, arbitrary: fc.record({ op: fc.constant('add' as const), key }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('addAfter' as const), key, ms: fc.nat(20) }) },
  { weight: 2, arbitrary: fc.record({ op: fc.constant('advance' as const), ms: fc.nat(15) }) },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('get' as const) }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('done' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('shutdown' as const) }) },
);

describe('WorkQueue', () => {
  describe('with a clock of its own', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    });
    afterEach(() => {
      vi.useRealTimers();
    });

    it('does what its model does, in every order of calls', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(operation, { maxLength: 60 }), async (operations) => {
          const queue = new WorkQueue();
          const model = new Model();
          const taken = new Map<number, string | undefined>();
          let calls = 0;
          for (const step of operations) {
            if (step.op === 'add') {
              queue.add(step.key);
              model.add(step.key);
            } else if (step.op === 'addAfter') {
              queue.addAfter(step.key, step.ms);
              model.addAfter(step.key, step.ms);
            } else if (step.op === 'advance') {
              vi.advanceTimersByTime(step.ms);
              model.advance(step.ms);
            } else if (step.op === 'get') {
              const call = (calls += 1);
              void queue.get().then((result) => taken.set(call, result));
              model.get(call);
            } else if (step.op === 'done') {
              const held = model.processing[step.which % model.processing.length];
              if (held === undefined) continue;
              queue.done(held);
              model.done(held);
            } else {
              queue.shutdown();
              model.shutdown();
            }
            await nextTurn();
            expect(taken).toEqual(model.taken);
            expect(queue.length).toBe(model.waiting.length);
            expect(new Set(model.processing).size).toBe(model.processing.length);
          }
          queue.shutdown();
        }),
        { numRuns: 500 },
      );
    });

    it('waits longer after each failure, up to the maximum, and afresh once told to forget', () => {
      const queue = new WorkQueue({ minMs: 100, maxMs: 1000 });
      const waits: number[] = [];
      const measure = async (): Promise<void> => {
        const before = performance.now();
        queue.addRateLimited('a');
        while (queue.length === 0) vi.advanceTimersByTime(1);
        waits.push(performance.now() - before);
        queue.done((await queue.get())!);
      };
      return (async () => {
        for (let failure = 1; failure <= 6; failure += 1) await measure();
        queue.forget('a');
        await measure();
        const ceilings = [100, 200, 400, 800, 1000, 1000, 100];
        for (const [index, ceiling] of ceilings.entries()) {
          expect(waits[index]).toBeGreaterThanOrEqual(ceiling / 2);
          expect(waits[index]).toBeLessThanOrEqual(ceiling + 2);
        }
      })();
    });

    it('waits at least as long as the caller asks for', () => {
      const queue = new WorkQueue({ minMs: 10, maxMs: 100 });
      queue.addRateLimited('a', 5000);
      vi.advanceTimersByTime(4990);
      expect(queue.length).toBe(0);
      vi.advanceTimersByTime(20);
      expect(queue.length).toBe(1);
    });

    it('keeps a delay that is longer than a timer can be', () => {
      const queue = new WorkQueue();
      const thirtyDays = 30 * 24 * 3600 * 1000;
      queue.addAfter('a', thirtyDays);
      vi.advanceTimersByTime(thirtyDays - 1000);
      expect(queue.length).toBe(0);
      vi.advanceTimersByTime(2000);
      expect(queue.length).toBe(1);
    });

    it('leaves no timer behind after the shutdown', () => {
      const queue = new WorkQueue();
      queue.addAfter('a', 1000);
      queue.addRateLimited('b');
      queue.shutdown();
      queue.addAfter('c', 1000);
      expect(vi.getTimerCount()).toBe(0);
    });
  });

  it('runs a key again when it was added while being processed', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    expect(await queue.get()).toBe('a');
    queue.add('a');
    queue.add('a');
    expect(queue.length).toBe(0);
    queue.done('a');
    expect(queue.length).toBe(1);
  });

  it('ignores a key that is given back but was never taken', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.done('a');
    expect(queue.length).toBe(1);
    expect(await queue.get()).toBe('a');
  });

  it('hands out what waited before the shutdown, then nothing', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    queue.add('b');
    await queue.get();
    queue.add('a');
    queue.shutdown();
    queue.add('c');
    expect(await queue.get()).toBe('b');
    queue.done('a');
    expect(await queue.get()).toBe('a');
    expect(await queue.get()).toBeUndefined();
  });

  it('keeps the order of many keys', async () => {
    const queue = new WorkQueue();
    const keys = Array.from({ length: 10_000 }, (_, index) => String(index));
    for (const each of keys) queue.add(each);
    const taken: string[] = [];
    for (let left = keys.length; left > 0; left -= 1) taken.push((await queue.get())!);
    expect(taken).toEqual(keys);
  });

  it('loses no change and gives no key to two workers, however the workers interleave', async () => {
    const load = fc.array(fc.tuple(key, fc.nat(3)), { minLength: 1, maxLength: 80 });
    await fc.assert(
      fc.asyncProperty(load, fc.integer({ min: 1, max: 5 }), async (changes, workers) => {
        const queue = new WorkQueue();
        const wanted = new Map<string, number>();
        const seen = new Map<string, number>();
        const busy = new Set<string>();
        const work = async (): Promise<void> => {
          for (let taken = await queue.get(); taken !== undefined; taken = await queue.get()) {
            expect(busy.has(taken)).toBe(false);
            busy.add(taken);
            const state = wanted.get(taken)!;
            await nextTurn();
            if (state % 2 === 0) await nextTurn();
            seen.set(taken, state);
            busy.delete(taken);
            queue.done(taken);
          }
        };
        const running = Array.from({ length: workers }, work);
        for (const [index, [changed, pause]] of changes.entries()) {
          wanted.set(changed, index);
          queue.add(changed);
          for (let turn = 0; turn < pause; turn += 1) await nextTurn();
        }
        queue.shutdown();
        await Promise.all(running);
        expect(seen).toEqual(wanted);
      }),
      { numRuns: 200 },
    );
  });
});
