import { setImmediate as nextTurn } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { ModelServer, widgets } from '../test/kube/model-server.ts';
import type { Widget } from '../test/kube/model-server.ts';
import { ModelTransport } from '../test/kube/model-transport.ts';
import { NamespacedTransport } from '../test/kube/namespaced-transport.ts';
import { KubeClient } from './client.ts';
import { Informer } from './informer.ts';
import type { RefusalTimes } from './reflector.ts';
import { RefusedNamespaceError } from './refused-namespace-error.ts';

const NAMESPACES = ['a', 'b', 'c'] as const;

const HOUR_MS = 3_600_000;

interface Side {
  readonly server: ModelServer;
  readonly transport: ModelTransport;
}

/** An informer on three namespaces, each with a server behind it, and what it told. */
function start(refusal?: RefusalTimes) {
  const sides = Object.fromEntries(
    NAMESPACES.map((namespace): [string, Side] => {
      const server = new ModelServer(namespace);
      return [namespace, { server, transport: new ModelTransport(server) }];
    }),
  ) as Record<(typeof NAMESPACES)[number], Side>;
  const transports = Object.fromEntries(NAMESPACES.map((namespace) => [namespace, sides[namespace].transport]));
  const errors: unknown[] = [];
  const changes: string[] = [];
  const informer = new Informer<Widget>(new KubeClient(new NamespacedTransport(transports)), widgets, {
    ...{ namespace: NAMESPACES, pageSize: 2, minBackoffMs: 1, maxBackoffMs: 4 },
    ...(refusal && { refusal }),
    indexes: { color: ({ color }) => [color] },
    onError: (err) => errors.push(err),
  });
  informer.onChange((key, object) => changes.push(`${object === undefined ? '-' : '+'}${key}`));
  const stop = new AbortController();
  return { sides, informer, errors, changes, stop, run: informer.run(stop.signal) };
}

const step = fc.record({
  namespace: fc.constantFrom(...NAMESPACES),
  op: fc.constantFrom('put', 'put', 'put', 'remove', 'compact', 'reset', 'gone', 'fail', 'wait'),
  name: fc.constantFrom('x', 'y', 'z'),
  color: fc.constantFrom('red', 'blue'),
});

describe('an informer of several namespaces', () => {
  it('ends up with what all of them have, whatever happens in each', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const { sides, informer, stop, run } = start();
        for (const { namespace, op, name, color } of steps) {
          const { server, transport } = sides[namespace];
          if (op === 'put') server.put(name, color);
          else if (op === 'remove') server.remove(name);
          else if (op === 'compact') server.compact();
          else if (op === 'fail') transport.failNext(403);
          else if (op === 'wait') await nextTurn();
          else transport.endWatches(op);
        }
        const expected = NAMESPACES.flatMap((namespace) =>
          [...sides[namespace].server.objects.values()].map(
            ({ metadata }) => `${namespace}/${metadata.name}@${metadata.resourceVersion}`,
          ),
        );
        const seen = (objects: Iterable<Widget>): string[] =>
          [...objects].map(
            ({ metadata: { namespace, name, resourceVersion } }) => `${namespace}/${name}@${resourceVersion}`,
          );
        await vi.waitFor(
          () => {
            expect(informer.hasSynced).toBe(true);
            expect(seen(informer.values()).sort()).toEqual(expected.sort());
          },
          { timeout: 10_000, interval: 1 },
        );
        const indexed = [...informer.byIndex('color', 'red'), ...informer.byIndex('color', 'blue')];
        expect(seen(indexed).sort()).toEqual(expected);
        stop.abort();
        await run;
      }),
      { numRuns: 60 },
    );
  });

  it('is synced only when each of them has been listed, and as old as the one it heard of last', async () => {
    const { sides, informer, stop, run } = start();
    sides.b.transport.refusing = 500;
    sides.a.server.put('x', 'red');
    await vi.waitFor(() => expect(informer.get('a/x')).toBeDefined());
    await vi.waitFor(() => expect(sides.c.transport.openWatches).toBe(1));
    expect(informer.hasSynced).toBe(false);
    expect(informer.lastContactAt).toBe(-Infinity);
    sides.b.transport.refusing = undefined;
    await informer.synced;
    expect(informer.lastContactAt).toBeGreaterThan(0);
    stop.abort();
    await run;
  });

  it('goes on without a namespace that it may not read, and takes it up with the right', async () => {
    const { sides, informer, errors, stop, run } = start({ graceMs: 20, forgottenMs: HOUR_MS, toldEveryMs: HOUR_MS });
    sides.b.transport.refusing = 403;
    sides.a.server.put('x', 'red');
    await informer.synced;
    expect(informer.size).toBe(1);
    // Tried again and again, said once.
    expect(errors).toEqual([expect.any(RefusedNamespaceError)]);
    const text = /no right to list and watch widgets\.test\.example in namespace b: grant/;
    expect((errors[0] as Error).message).toMatch(text);
    sides.b.server.put('y', 'red');
    sides.b.transport.refusing = undefined;
    await vi.waitFor(() => expect(informer.get('b/y')).toBeDefined());
    stop.abort();
    await run;
  });

  it('gives rights that are just being granted time to come', async () => {
    const { sides, informer, errors, stop, run } = start({ graceMs: HOUR_MS, forgottenMs: HOUR_MS, toldEveryMs: 10 });
    sides.b.transport.refusing = 403;
    // Said again from time to time.
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(1));
    expect(informer.hasSynced).toBe(false);
    sides.b.transport.refusing = undefined;
    await informer.synced;
    stop.abort();
    await run;
  });

  it('is not synced while it may read none of them', async () => {
    const { sides, informer, errors, stop, run } = start({ graceMs: 1, forgottenMs: 2, toldEveryMs: 1 });
    for (const { transport } of Object.values(sides)) transport.refusing = 403;
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(20));
    expect(informer.hasSynced).toBe(false);
    sides.c.transport.refusing = undefined;
    await informer.synced;
    stop.abort();
    await run;
  });

  it('forgets the objects of a namespace that it may not read any more, but nothing while it may read none', async () => {
    const { sides, informer, errors, changes, stop, run } = start({ graceMs: 10, forgottenMs: 200, toldEveryMs: 1 });
    for (const { server } of Object.values(sides)) server.put('x', 'red');
    await vi.waitFor(() => expect(informer.size).toBe(3));
    await informer.synced;
    for (const { transport } of Object.values(sides)) transport.refusing = 403;
    for (const { transport } of Object.values(sides)) transport.endWatches('close');
    await vi.waitFor(() => expect(errors.length).toBeGreaterThan(200));
    expect(informer.size).toBe(3);
    sides.a.transport.refusing = undefined;
    // A version that the copy lacks, so that the watch has something to tell.
    sides.a.server.put('x', 'blue');
    await vi.waitFor(() => expect([...informer.keys()]).toEqual(['a/x']));
    expect(changes.filter((change) => change.startsWith('-')).sort()).toEqual(['-b/x', '-c/x']);
    sides.b.transport.refusing = undefined;
    await vi.waitFor(() => expect([...informer.keys()].sort()).toEqual(['a/x', 'b/x']));
    stop.abort();
    await run;
  });

  it('refuses to watch nowhere', () => {
    const client = new KubeClient(new NamespacedTransport({}));
    expect(() => new Informer(client, widgets, { namespace: [] })).toThrow('no namespace to watch widgets in');
  });
});
