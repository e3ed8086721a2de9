import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { ModelServer, widgets } from '../test/kube/model-server.ts';
import type { Widget } from '../test/kube/model-server.ts';
import { ModelTransport } from '../test/kube/model-transport.ts';
import { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import type { InformerOptions } from './informer.ts';
import { KubeError } from './kube-error.ts';
import { KubeMetrics } from './metrics.ts';

const FAST = { minBackoffMs: 1, maxBackoffMs: 4 };

/** A server, an informer on it, what its listener was told, and the end of both. */
function start(options: InformerOptions<Widget> = {}, server = new ModelServer()) {
  const transport = new ModelTransport(server);
  const errors: unknown[] = [];
  const informer = new Informer(new KubeClient(transport), widgets, {
    ...FAST,
    onError: (err) => errors.push(err),
    ...options,
  });
  const mirror = new Map<string, Widget>();
  const changes: string[] = [];
  informer.onChange((key, object, previous) => {
    expect(previous).toBe(mirror.get(key));
    expect(object).not.toBe(previous);
    expect(informer.get(key)).toBe(object);
    if (object === undefined) mirror.delete(key);
    else mirror.set(key, object);
    changes.push(`${object === undefined ? '-' : previous === undefined ? '+' : '~'}${key}`);
  });
  const stop = new AbortController();
  const run = informer.run(stop.signal);
  return { server, transport, informer, errors, mirror, changes, stop, run };
}

/** Name and version of each object: what a copy must agree on with the server. */
function versions(objects: Iterable<Widget>): string[] {
  return [...objects].map(({ metadata }) => `${metadata.name}@${metadata.resourceVersion}`).sort();
}

const name = fc.constantFrom('a', 'b', 'c', 'd', 'e');
const color = fc.constantFrom('red', 'green', 'blue');
const step = fc.oneof(
  { weight: 8, arbitrary: fc.record({ op: fc.constant('put' as const), name, color }) },
  { weight: 3, arbitrary: fc.record({ op: fc.constant('remove' as const), name }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('compact' as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constant('bookmark' as const) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('end' as const),
      how: fc.constantFrom('close' as const, 'reset' as const, 'truncate' as const, 'gone' as const),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      op: fc.constant('fail' as const),
      failure: fc.constantFrom(400, 401, 403, 404, 410, 429, 500, 503, 'reset' as const),
    }),
  },
  { weight: 4, arbitrary: fc.record({ op: fc.constant('wait' as const), turns: fc.nat(6) }) },
);

describe('Informer', () => {
  it.each([undefined, 'color=red'])(
    'ends up with what the server has, whatever happens (selector: %s)',
    async (labelSelector) => {
      await fc.assert(
        fc.asyncProperty(fc.array(step, { maxLength: 50 }), fc.integer({ min: 1, max: 3 }), async (steps, pageSize) => {
          const { server, transport, informer, errors, mirror, stop, run } = start({
            pageSize,
            ...(labelSelector !== undefined && { labelSelector }),
            indexes: { color: (object) => [object.color, 'any'] },
          });
          for (const each of steps) {
            if (each.op === 'put') server.put(each.name, each.color);
            else if (each.op === 'remove') server.remove(each.name);
            else if (each.op === 'compact') server.compact();
            else if (each.op === 'bookmark') server.bookmark();
            else if (each.op === 'end') transport.endWatches(each.how);
            else if (each.op === 'fail') transport.failNext(each.failure);
            else for (let turn = 0; turn < each.turns; turn += 1) await nextTurn();
          }
          const expected = [...server.objects.values()].filter((object) => !labelSelector || object.color === 'red');
          await vi.waitFor(
            () => {
              expect(informer.hasSynced).toBe(true);
              expect(transport.openWatches).toBe(1);
              expect(versions(informer.values())).toEqual(versions(expected));
            },
            { timeout: 10_000, interval: 1 },
          );
          expect([...mirror]).toEqual([...informer.keys()].map((key) => [key, informer.get(key)]));
          expect(informer.size).toBe(expected.length);
          expect(versions(informer.byIndex('color', 'any'))).toEqual(versions(expected));
          for (const value of ['red', 'green', 'blue']) {
            const matches = expected.filter((object) => object.color === value);
            expect(versions(informer.byIndex('color', value))).toEqual(versions(matches));
          }
          stop.abort();
          await run;
          expect(transport.openWatches).toBe(0);
          // The listener's own checks fail into onError.
          expect(errors.filter((err) => err instanceof Error && err.name === 'AssertionError')).toEqual([]);
        }),
        { numRuns: 150 },
      );
    },
  );

  it('reads a list of many pages and is synced only with the last', async () => {
    const server = new ModelServer();
    for (let index = 0; index < 25; index += 1) server.put(`w${index}`, 'red');
    const { informer, transport, stop, run } = start({ pageSize: 10 }, server);
    expect(informer.hasSynced).toBe(false);
    await informer.synced;
    expect(informer.size).toBe(25);
    expect(transport.lists).toBe(3);
    stop.abort();
    await run;
  });

  it('starts the list again when the position of a page has expired', async () => {
    const server = new ModelServer();
    for (let index = 0; index < 5; index += 1) server.put(`w${index}`, 'red');
    const list = server.list.bind(server);
    vi.spyOn(server, 'list').mockImplementationOnce((query) => {
      const firstPage = list(query);
      server.remove('w0');
      server.compact();
      return firstPage;
    });
    const { informer, stop, run, errors } = start({ pageSize: 2 }, server);
    await informer.synced;
    expect(versions(informer.values())).toEqual(versions(server.objects.values()));
    expect(errors).toEqual([]);
    stop.abort();
    await run;
  });

  it('tells of what changed while it was cut off, and of nothing else', async () => {
    const { server, transport, informer, changes, stop, run } = start();
    for (const each of ['kept', 'changed', 'removed']) server.put(each, 'red');
    await informer.synced;
    await vi.waitFor(() => expect(changes).toHaveLength(3));
    changes.length = 0;
    server.compact();
    transport.endWatches('reset');
    server.put('changed', 'blue');
    server.remove('removed');
    server.put('added', 'red');
    server.compact();
    await vi.waitFor(() => expect(changes.toSorted()).toEqual(['+n/added', '-n/removed', '~n/changed']));
    stop.abort();
    await run;
  });

  it('goes on from the last bookmark after a compaction, without a new list', async () => {
    const { server, transport, informer, stop, run } = start({ labelSelector: 'color=red' });
    await informer.synced;
    await vi.waitFor(() => expect(transport.openWatches).toBe(1));
    server.put('other', 'blue');
    server.compact();
    server.bookmark();
    await vi.waitFor(() => expect(informer.lastContactAt).toBeGreaterThan(0));
    await nextTurn();
    transport.endWatches('close');
    await vi.waitFor(() => expect(transport.watches).toBe(2));
    server.put('mine', 'red');
    await vi.waitFor(() => expect(informer.size).toBe(1));
    expect(transport.lists).toBe(1);
    stop.abort();
    await run;
  });

  it('drops an object that leaves the selection', async () => {
    const { server, informer, changes, stop, run } = start({ labelSelector: 'color=red' });
    server.put('a', 'red');
    await vi.waitFor(() => expect(informer.size).toBe(1));
    server.put('a', 'blue');
    await vi.waitFor(() => expect(informer.size).toBe(0));
    expect(changes).toEqual(['+n/a', '-n/a']);
    stop.abort();
    await run;
  });

  it('stores what the transform makes of an object, without managed fields and with its type', async () => {
    const server = new ModelServer();
    server.put('a', 'red');
    const { informer, stop, run } = start({ transform: (object) => Object.assign(object, { color: 'gray' }) }, server);
    await informer.synced;
    expect(JSON.parse(JSON.stringify(informer.get('n/a')))).toEqual({
      apiVersion: 'test.example/v1',
      kind: 'Widget',
      metadata: { name: 'a', namespace: 'n', resourceVersion: '101', labels: { color: 'red' } },
      color: 'gray',
    });
    stop.abort();
    await run;
  });

  it('survives transforms, indexes and listeners that throw, and reports them', async () => {
    const { server, informer, errors, stop, run } = start({
      transform: () => {
        throw new Error('transform');
      },
      indexes: {
        broken: () => {
          throw new Error('index');
        },
      },
    });
    const listener = vi.fn(() => {
      throw new Error('listener');
    });
    const unsubscribe = informer.onChange(listener);
    server.put('a', 'red');
    await vi.waitFor(() => expect(listener).toHaveBeenCalledOnce());
    expect(informer.get('n/a')?.color).toBe('red');
    expect(informer.byIndex('broken', 'red')).toEqual([]);
    expect(errors.map((err) => (err as Error).message)).toEqual(['transform', 'index', 'listener']);
    unsubscribe();
    server.put('a', 'blue');
    await vi.waitFor(() => expect(informer.get('n/a')?.color).toBe('blue'));
    expect(listener).toHaveBeenCalledOnce();
    stop.abort();
    await run;
  });

  it('refuses an index that was not declared', () => {
    const informer = new Informer(new KubeClient(new ModelTransport(new ModelServer())), widgets);
    expect(() => informer.byIndex('size', '1')).toThrow('there is no index "size"');
  });

  describe('with a clock of its own', () => {
    /** Runs timers one by one, so that the turns between them happen, and returns how many calls that took the server. */
    async function callsWithin(ms: number, transport: ModelTransport): Promise<number> {
      const before = transport.lists + transport.watches;
      for (let passed = 0; passed < ms; passed += 100) {
        await vi.advanceTimersByTimeAsync(100);
        for (let turn = 0; turn < 5; turn += 1) await nextTurn();
      }
      return transport.lists + transport.watches - before;
    }

    it('does not hammer a server that closes every watch at once', async () => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
      try {
        const server = new ModelServer();
        const watch = server.watch.bind(server);
        const { transport, stop, run } = start({ minBackoffMs: 500, maxBackoffMs: 30_000 }, server);
        vi.spyOn(server, 'watch').mockImplementation((query, subscriber) => {
          setImmediate(() => transport.endWatches('close'));
          return watch(query, subscriber);
        });
        expect(await callsWithin(120_000, transport)).toBeLessThan(20);
        stop.abort();
        await run;
      } finally {
        vi.useRealTimers();
      }
    });
  });

  it('waits as long as the server asks for', async () => {
    const server = new ModelServer();
    const transport = new ModelTransport(server);
    const client = new KubeClient(transport);
    const list = vi.spyOn(client, 'list');
    list.mockRejectedValueOnce(new KubeError(429, { message: 'slow down' }, 'GET widgets', 300));
    const informer = new Informer(client, widgets, FAST);
    const stop = new AbortController();
    const startedAt = performance.now();
    const run = informer.run(stop.signal);
    await informer.synced;
    expect(performance.now() - startedAt).toBeGreaterThanOrEqual(299);
    stop.abort();
    await run;
  });

  it('ends at once when it is stopped during a pause, and when it was stopped before', async () => {
    const { transport, informer, errors, stop, run } = start({ minBackoffMs: 3_600_000, maxBackoffMs: 3_600_000 });
    transport.failNext(500);
    await vi.waitFor(() => expect(errors).toHaveLength(1));
    stop.abort();
    await run;
    await informer.run(AbortSignal.abort());
    expect(transport.lists).toBe(0);
    expect(errors).toHaveLength(1);
  });

  it('counts lists and reconnects, and shows the age of its copy while it runs', async () => {
    const registry = new Registry();
    const { transport, informer, stop, run } = start({ metrics: new KubeMetrics(registry) });
    await informer.synced;
    await vi.waitFor(() => expect(transport.openWatches).toBe(1));
    transport.endWatches('reset');
    await vi.waitFor(() => expect(transport.watches).toBe(2));
    transport.endWatches('gone');
    await vi.waitFor(() => expect(transport.watches).toBe(3));
    const text = await registry.metrics();
    expect(text).toContain('tiangong_kube_relists_total{resource="widgets"} 2');
    expect(text).toContain('tiangong_kube_reconnects_total{resource="widgets"} 1');
    expect(text).toMatch(/tiangong_kube_last_event_age_seconds\{resource="widgets"\} 0\.\d+/);
    stop.abort();
    await run;
    expect(await registry.metrics()).not.toContain('last_event_age_seconds{');
  });
});
