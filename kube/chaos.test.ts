import { setTimeout as pause } from 'node:timers/promises';
import { KubeConfig } from '@kubernetes/client-node';
import { Registry } from 'prom-client';
import { describe, expect, it, vi } from 'vitest';
import { MisbehavingServer } from '../test/kube/misbehaving-server.ts';
import { ModelServer, widgets } from '../test/kube/model-server.ts';
import type { Widget } from '../test/kube/model-server.ts';
import { Random } from '../test/kube/random.ts';
import { KubeClient } from './client.ts';
import { runController } from './controller.ts';
import { HttpTransport } from './http-transport.ts';
import { Informer } from './informer.ts';
import { KubeMetrics } from './metrics.ts';
import { WorkQueue } from './work-queue.ts';

const SEEDS = process.env['CHAOS_SEED'] === undefined ? [1, 2] : [Number(process.env['CHAOS_SEED'])];
const OBJECTS = 600;
const CHANGES = 1000;

/** Of the 16 kinds of failure, so many must have happened before the server gets well. */
const KINDS = 13;

function connect(url: string): HttpTransport {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'c', server: url, skipTLSVerify: true }, { name: 'u', token: 't' });
  return new HttpTransport(config);
}

const versionOf = (object: Widget | undefined): string | undefined => object?.metadata.resourceVersion;

describe('an informer, a queue and a controller on a server that misbehaves', () => {
  it.each(SEEDS)('end up with every object reconciled in its last state (seed %i)', async (seed) => {
    const random = new Random(seed);
    const model = new ModelServer();
    for (let index = 0; index < OBJECTS; index += 1) model.put(`seed-${index}`, 'red');
    const server = await MisbehavingServer.start(model, seed);
    const transport = connect(server.url);
    const metrics = new KubeMetrics(new Registry());
    const unhandled = vi.fn();
    process.on('unhandledRejection', unhandled);

    const informer = new Informer(new KubeClient(transport), widgets, {
      pageSize: 250,
      minBackoffMs: 10,
      maxBackoffMs: 40,
      indexes: { color: ({ color }) => [color] },
      metrics,
    });
    const queue = new WorkQueue({ minMs: 2, maxMs: 50 });
    informer.onChange((key) => queue.add(key));
    const reconciled = new Map<string, string | undefined>();
    const busy = new Set<string>();
    let overlaps = 0;
    const stop = new AbortController();
    const reconcile = async (key: string) => {
      if (busy.has(key)) overlaps += 1;
      busy.add(key);
      const version = versionOf(informer.get(key));
      await pause(random.below(4));
      busy.delete(key);
      if (random.oneIn(10)) throw new Error('flaky');
      reconciled.set(key, version);
      return {};
    };
    const controller = { name: 'chaos', queue, reconcile, workers: 8, onError: () => undefined, metrics };
    const running = [informer.run(stop.signal), runController(controller, stop.signal)];

    for (let change = 0; change < CHANGES || server.failures.size < KINDS; change += 1) {
      const name = random.oneIn(3) ? `seed-${random.below(OBJECTS)}` : `new-${random.below(40)}`;
      if (random.oneIn(4)) model.remove(name);
      else model.put(name, random.pick(['red', 'green', 'blue']));
      if (random.oneIn(100)) server.restart();
      await pause(random.below(4));
    }
    server.misbehaves = false;

    await vi.waitFor(
      () => {
        expect(informer.size).toBe(model.objects.size);
        for (const object of model.objects.values()) {
          const key = `n/${object.metadata.name}`;
          expect(versionOf(informer.get(key))).toBe(versionOf(object));
          expect(reconciled.get(key)).toBe(versionOf(object));
        }
        for (const [key, version] of reconciled) expect(version).toBe(versionOf(informer.get(key)));
      },
      { timeout: 20_000, interval: 50 },
    );
    const blue = [...model.objects.values()].filter(({ color }) => color === 'blue');
    expect(informer.byIndex('color', 'blue').map(versionOf).sort()).toEqual(blue.map(versionOf).sort());
    expect(overlaps).toBe(0);

    stop.abort();
    await Promise.all(running);
    await vi.waitFor(() => expect(server.openWatches).toBe(0));
    await transport.close();
    await server.stop();
    process.off('unhandledRejection', unhandled);
    expect(unhandled).not.toHaveBeenCalled();
  });
});
