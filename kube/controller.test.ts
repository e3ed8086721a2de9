import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { runController } from './controller.ts';
import type { ControllerOptions, Reconcile, Result } from './controller.ts';
import { KubeError } from './kube-error.ts';
import { KubeMetrics } from './metrics.ts';
import { TerminalError } from './terminal-error.ts';
import { WorkQueue } from './work-queue.ts';

const conflict = (): KubeError => new KubeError(409, { reason: 'Conflict', message: 'changed' }, 'PUT x');

function start(reconcile: Reconcile, options: Partial<ControllerOptions> = {}) {
  const queue = new WorkQueue({ minMs: 1, maxMs: 4 });
  const onError = vi.fn<(key: string, err: unknown) => void>();
  const stop = new AbortController();
  const run = runController({ name: 'test', queue, reconcile, workers: 2, onError, ...options }, stop.signal);
  return { queue, onError, stop, run };
}

describe('runController', () => {
  it('reconciles each key once when the reconcile is done', async () => {
    const reconcile = vi.fn<Reconcile>(async () => ({}));
    const { queue, onError, stop, run } = start(reconcile);
    queue.add('a');
    queue.add('b');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(2));
    expect(reconcile.mock.calls.map(([key]) => key)).toEqual(['a', 'b']);
    expect(onError).not.toHaveBeenCalled();
    stop.abort();
    await run;
  });

  it('reconciles again after the time that the reconcile asks for', async () => {
    const results: Result[] = [{ requeueAfterMs: 1 }, { requeueAfterMs: 0 }, {}];
    const reconcile = vi.fn<Reconcile>(async () => results.shift()!);
    const { queue, stop, run } = start(reconcile);
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(3));
    stop.abort();
    await run;
  });

  it('tries again after an error, and forgets the failures once it went well', async () => {
    const reconcile = vi.fn<Reconcile>().mockRejectedValueOnce(new Error('once')).mockResolvedValue({});
    const { queue, onError, stop, run } = start(reconcile);
    const forget = vi.spyOn(queue, 'forget');
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(2));
    expect(onError.mock.calls).toEqual([['a', new Error('once')]]);
    expect(forget).toHaveBeenCalledOnce();
    stop.abort();
    await run;
  });

  it('waits as long as the server asks for', async () => {
    const busy = new KubeError(429, { message: 'slow down' }, 'PUT x', 1234);
    const { queue, onError, stop, run } = start(() => Promise.reject(busy));
    const addAfter = vi.spyOn(queue, 'addAfter');
    queue.add('a');
    await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce());
    expect(addAfter.mock.calls[0]![1]).toBeGreaterThanOrEqual(1234);
    stop.abort();
    await run;
  });

  it('does not try again after a terminal error until the key is added', async () => {
    const terminal = new TerminalError('BadSpec', 'never works');
    const reconcile = vi.fn<Reconcile>().mockRejectedValueOnce(terminal).mockResolvedValue({});
    const { queue, onError, stop, run } = start(reconcile);
    const addAfter = vi.spyOn(queue, 'addAfter');
    queue.add('a');
    await vi.waitFor(() => expect(onError).toHaveBeenCalledWith('a', terminal));
    expect(addAfter).not.toHaveBeenCalled();
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(2));
    stop.abort();
    await run;
  });

  it('tries again soon after a conflict and calls it no error', async () => {
    const reconcile = vi.fn<Reconcile>().mockRejectedValueOnce(conflict()).mockRejectedValueOnce(conflict());
    reconcile.mockResolvedValue({});
    const registry = new Registry();
    const { queue, onError, stop, run } = start(reconcile, { metrics: new KubeMetrics(registry) });
    const limited = vi.spyOn(queue, 'addRateLimited');
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(3));
    expect(onError).not.toHaveBeenCalled();
    expect(limited).not.toHaveBeenCalled();
    await vi.waitFor(async () => {
      const text = await registry.metrics();
      expect(text).toContain('duration_seconds_count{controller="test",outcome="conflict"} 2');
      expect(text).toContain('duration_seconds_count{controller="test",outcome="done"} 1');
      expect(text).not.toContain('outcome="error"');
    });
    stop.abort();
    await run;
  });

  it('lives on when the reconcile throws before its first await, and when the handler of errors throws', async () => {
    const reconcile = vi.fn<Reconcile>().mockResolvedValue({});
    reconcile.mockImplementationOnce(() => {
      throw new Error('at once');
    });
    const { queue, onError, stop, run } = start(reconcile, { workers: 1 });
    onError.mockImplementation(() => {
      throw new Error('cannot log');
    });
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(2));
    stop.abort();
    await run;
  });

  it('aborts a reconcile that takes longer than its deadline, and tries again', async () => {
    const reconcile = vi.fn<Reconcile>().mockResolvedValue({});
    reconcile.mockImplementationOnce((_key, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(new Error('aborted')));
      });
    });
    const { queue, onError, stop, run } = start(reconcile, { deadlineMs: 5 });
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledTimes(2));
    expect(onError.mock.calls).toEqual([['a', new Error('the reconcile of a took longer than 5 ms')]]);
    stop.abort();
    await run;
  });

  it('lets a running reconcile end when it is stopped, and starts no other', async () => {
    const gate = Promise.withResolvers<Result>();
    const reconcile = vi.fn<Reconcile>(() => gate.promise);
    const { queue, stop, run } = start(reconcile, { workers: 1 });
    queue.add('a');
    queue.add('b');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledOnce());
    stop.abort();
    await nextTurn();
    expect(reconcile.mock.calls[0]![1].aborted).toBe(false);
    gate.resolve({ requeueAfterMs: 5 });
    await run;
    expect(reconcile).toHaveBeenCalledOnce();
  });

  it('aborts a running reconcile after the grace period, which is not an error', async () => {
    const reconcile = vi.fn<Reconcile>((_key, signal) => {
      return new Promise((_resolve, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason as Error));
      });
    });
    const { queue, onError, stop, run } = start(reconcile, { graceMs: 5 });
    queue.add('a');
    await vi.waitFor(() => expect(reconcile).toHaveBeenCalledOnce());
    stop.abort(new Error('lost the lease'));
    await run;
    expect(reconcile.mock.calls[0]![1].reason).toEqual(new Error('lost the lease'));
    expect(onError).not.toHaveBeenCalled();
  });

  it('ends at once when it was stopped before, without taking a key', async () => {
    const queue = new WorkQueue();
    queue.add('a');
    const reconcile = vi.fn<Reconcile>();
    const options = { name: 'test', queue, reconcile, workers: 3, onError: vi.fn() };
    await runController(options, AbortSignal.abort());
    expect(reconcile).not.toHaveBeenCalled();
  });

  it('lets timers run although the queue is never empty', async () => {
    let runs = 0;
    const { queue, stop, run } = start(
      async (key) => {
        runs += 1;
        queue.add(key);
        return {};
      },
      { workers: 1 },
    );
    queue.add('a');
    await nextTurn();
    await nextTurn();
    expect(runs).toBeGreaterThan(0);
    stop.abort();
    await run;
  });

  it('shows its queue, its workers and the outcomes in metrics', async () => {
    const registry = new Registry();
    const gate = Promise.withResolvers<Result>();
    const { queue, stop, run } = start(() => gate.promise, { workers: 1, metrics: new KubeMetrics(registry) });
    queue.add('a');
    queue.add('b');
    await vi.waitFor(async () => {
      const text = await registry.metrics();
      expect(text).toContain('tiangong_kube_queue_depth{controller="test"} 1');
      expect(text).toContain('tiangong_kube_active_workers{controller="test"} 1');
    });
    gate.resolve({ requeueAfterMs: 60_000 });
    await vi.waitFor(async () => {
      const text = await registry.metrics();
      expect(text).toContain('tiangong_kube_active_workers{controller="test"} 0');
      expect(text).toContain('duration_seconds_count{controller="test",outcome="again"} 2');
    });
    stop.abort();
    await run;
  });

  it('never runs two reconciles of a key at once and always reconciles the last state, whatever they throw', async () => {
    const outcome = fc.constantFrom('done', 'again', 'error', 'conflict');
    const load = fc.array(fc.record({ key: fc.constantFrom('a', 'b', 'c'), outcome, turns: fc.nat(3) }), {
      maxLength: 40,
    });
    await fc.assert(
      fc.asyncProperty(load, fc.integer({ min: 1, max: 4 }), async (changes, workers) => {
        const wanted = new Map<string, number>();
        const seen = new Map<string, number>();
        const busy = new Set<string>();
        const outcomes = changes.map((change) => change.outcome);
        let overlaps = 0;
        const { queue, stop, run } = start(
          async (key) => {
            if (busy.has(key)) overlaps += 1;
            busy.add(key);
            const state = wanted.get(key)!;
            await nextTurn();
            busy.delete(key);
            const next = outcomes.pop() ?? 'done';
            if (next === 'error') throw new Error('flaky');
            if (next === 'conflict') throw conflict();
            seen.set(key, state);
            return next === 'again' ? { requeueAfterMs: 1 } : {};
          },
          { workers },
        );
        for (const [index, { key, turns }] of changes.entries()) {
          wanted.set(key, index);
          queue.add(key);
          for (let turn = 0; turn < turns; turn += 1) await nextTurn();
        }
        await vi.waitFor(() => expect(seen).toEqual(wanted), { timeout: 10_000, interval: 1 });
        stop.abort();
        await run;
        expect(overlaps).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});
