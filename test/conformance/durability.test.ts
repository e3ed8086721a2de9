import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Api } from './api.ts';
import type { Answer } from './api.ts';
import { startEmbedded } from './embedded.ts';
import type { EmbeddedProcess } from './embedded.ts';
import { agent, configMap, task } from './objects.ts';
import { Watch, gist } from './watch.ts';

const SILENT = { recorded: false } as const;
const WRITERS = 16;

let server: EmbeddedProcess;
let api: Api;

// A server for each try, since every one ends with a kill somewhere.
beforeEach(async () => {
  server = await startEmbedded();
  api = new Api({ kind: 'embedded', url: server.url, token: server.token }, 'test');
  await api.post('/api/v1/namespaces', { metadata: { name: api.namespace } }, SILENT);
});
afterEach(async () => {
  await api.end();
  await server.stop();
});

/** Calls `write` with growing numbers from many writers at once until the server is gone; gives the answers. */
async function writeUntilKilled(
  write: (number: number) => Promise<Answer>,
  killAfter: number,
): Promise<Map<number, Answer>> {
  const acknowledged = new Map<number, Answer>();
  let next = 0;
  let killed: Promise<void> | undefined;
  await Promise.all(
    Array.from({ length: WRITERS }, async () => {
      while (killed === undefined) {
        const number = next++;
        const answer = await write(number).catch(() => undefined);
        if (answer === undefined) return;
        acknowledged.set(number, answer);
        if (acknowledged.size >= killAfter) killed ??= server.kill();
      }
    }),
  );
  await killed;
  return acknowledged;
}

describe('the embedded server', () => {
  it('loses no acknowledged create when it is killed in the middle of writes', async () => {
    for (const killAfter of [150, 40, 1]) {
      const acknowledged = await writeUntilKilled(
        (number) => api.post(api.own('deploytasks'), task(`task-${killAfter}-${number}`), SILENT),
        killAfter,
      );
      await server.restart();
      const { body } = await api.get(api.own('deploytasks'), SILENT);
      const kept = new Map(body.items?.map((item) => [item.metadata.name, item]));
      for (const [number, answer] of acknowledged) {
        expect(answer.status).toBe(201);
        const { apiVersion: _, kind: __, ...item } = answer.body;
        expect(kept.get(`task-${killAfter}-${number}`)).toMatchObject(item);
      }
    }
  });

  it('loses no acknowledged change and no acknowledged delete', async () => {
    const names = Array.from({ length: WRITERS }, (_, i) => `one-${i}`);
    await Promise.all(names.map((name) => api.post(api.core('configmaps'), configMap(name, { round: '-1' }), SILENT)));
    await Promise.all(
      Array.from({ length: 100 }, (_, i) => api.post(api.core('configmaps'), configMap(`doomed-${i}`), SILENT)),
    );
    const acknowledged = await writeUntilKilled((number) => {
      if (number % 4 === 0 && number < 400)
        return api.delete(api.core('configmaps', `doomed-${number / 4}`), undefined, SILENT);
      const path = api.core('configmaps', names[number % WRITERS]);
      return api.patch(path, { data: { [`write-${number}`]: 'done' } }, undefined, SILENT);
    }, 200);
    await server.restart();
    for (const number of acknowledged.keys()) {
      if (number % 4 === 0 && number < 400) {
        expect((await api.get(api.core('configmaps', `doomed-${number / 4}`), SILENT)).status).toBe(404);
      } else {
        const { body } = await api.get(api.core('configmaps', names[number % WRITERS]), SILENT);
        expect(body['data']).toHaveProperty(`write-${number}`, 'done');
      }
    }
  });

  it('keeps everything over a restart and goes on counting versions', async () => {
    await api.post('/api/v1/namespaces', { metadata: { name: 'kept' } }, SILENT);
    await api.post(api.own('agents'), agent('one', { tags: ['a'] }, { labels: { role: 'db' } }), SILENT);
    await api.post(api.core('secrets'), { metadata: { name: 'one' }, stringData: { a: 'ü' } }, SILENT);
    const paths = [
      '/api/v1/namespaces',
      '/api/v1/secrets',
      '/apis/tiangong.io/v1alpha1/agents',
      '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
    ];
    const read = (): Promise<unknown[]> =>
      Promise.all(paths.map(async (path) => (await api.get(path, SILENT)).body.items));
    const before = await read();
    const { body: last } = await api.get(api.own('agents'), SILENT);
    await server.kill();
    await server.restart();
    expect(await read()).toEqual(before);
    const { body: next } = await api.post(api.own('agents'), agent('two'), SILENT);
    expect(Number(next.metadata.resourceVersion)).toBeGreaterThan(Number(last.metadata.resourceVersion));
  });

  it('goes on with a watch from a version of before the restart', async () => {
    const { body } = await api.get(api.own('agents'), SILENT);
    const resourceVersion = body.metadata.resourceVersion ?? '';
    await api.post(api.own('agents'), agent('before'), SILENT);
    await api.patch(api.own('agents', 'before'), { spec: { maxConcurrent: 2 } }, undefined, SILENT);
    await api.post(api.own('agents'), agent('deleted'), SILENT);
    await api.delete(api.own('agents', 'deleted'), undefined, SILENT);
    await server.kill();
    await server.restart();
    const watch = await Watch.open(api, api.own('agents'), { resourceVersion });
    await api.post(api.own('agents'), agent('after'), SILENT);
    expect(gist(await watch.expectEvents(5))).toEqual([
      'ADDED before',
      'MODIFIED before',
      'ADDED deleted',
      'DELETED deleted',
      'ADDED after',
    ]);
  });

  it('goes on with a paged list of before the restart, or says that it cannot', async () => {
    for (const name of ['a', 'b', 'c']) await api.post(api.own('agents'), agent(name), SILENT);
    const { body } = await api.get(api.own('agents'), { ...SILENT, query: { limit: 2 } });
    await server.kill();
    await server.restart();
    const query = { limit: 2, continue: body.metadata.continue ?? '' };
    const rest = await api.get(api.own('agents'), { ...SILENT, query });
    if (rest.status !== 410) expect(rest.body.items?.map(({ metadata }) => metadata.name)).toEqual(['c']);
  });

  it('ends watches when it is killed, and a second one on the same data refuses to start', async () => {
    const watch = await Watch.open(api, api.own('agents'), {});
    await expect(server.startSecond()).rejects.toThrow(/ended with 1/);
    await server.kill();
    await watch.end();
  });
});
