import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, configMap, task } from '../objects.ts';

export const patch: Record<string, Scenario> = {
  'merges: sets, replaces arrays whole, removes with null': async (api) => {
    const path = api.own('agents', 'one');
    await api.post(
      api.own('agents'),
      agent('one', { tags: ['a', 'b'], maxConcurrent: 2 }, { labels: { x: '1', y: '2' } }),
    );
    const answer = await api.patch(path, {
      metadata: { labels: { x: null, z: '3' } },
      spec: { tags: ['c'], maxConcurrent: null },
    });
    expect(answer.body).toMatchObject({
      metadata: { labels: { y: '2', z: '3' } },
      spec: { tags: ['c'], maxConcurrent: 10 },
    });
    expect((await api.patch(path, {})).status).toBe(200);
  },
  'applies JSON patches in order, all or nothing': async (api) => {
    const path = api.own('agents', 'one');
    await api.post(api.own('agents'), agent('one', { tags: ['a', 'b'] }, { labels: { 'example.com/x': '1' } }));
    const answer = await api.patch(
      path,
      [
        { op: 'test', path: '/spec/tags/0', value: 'a' },
        { op: 'add', path: '/spec/tags/-', value: 'd' },
        { op: 'add', path: '/spec/tags/1', value: 'c' },
        { op: 'move', from: '/spec/tags/0', path: '/spec/tags/3' },
        { op: 'copy', from: '/metadata/labels/example.com~1x', path: '/metadata/labels/copied' },
        { op: 'replace', path: '/spec/maxConcurrent', value: 7 },
        { op: 'remove', path: '/metadata/labels/example.com~1x' },
      ],
      PATCH.json,
    );
    expect(answer.body).toMatchObject({
      spec: { tags: ['c', 'b', 'd', 'a'], maxConcurrent: 7 },
      metadata: { labels: { copied: '1' } },
    });
    for (const operations of [
      [{ op: 'test', path: '/spec/maxConcurrent', value: 1 }],
      [{ op: 'remove', path: '/spec/none' }],
      [{ op: 'add', path: '/spec/none/deep', value: 1 }],
      [{ op: 'add', path: '/spec/tags/9', value: 'x' }],
      [{ op: 'remove', path: '/spec/tags/9' }],
      [{ op: 'test', path: '/spec/none', value: 1 }],
      [{ op: 'move', from: '/spec/none', path: '/spec/tags/0' }],
      [
        { op: 'replace', path: '/spec/maxConcurrent', value: 8 },
        { op: 'remove', path: '/spec/none' },
      ],
    ]) {
      expect((await api.patch(path, operations, PATCH.json)).status).toBe(422);
    }
    expect((await api.get(path)).body.spec).toMatchObject({ maxConcurrent: 7 });
    // Not as RFC 6902 has it, but as the library of the real server does.
    const absent = [
      { op: 'test', path: '/spec/none', value: null },
      { op: 'replace', path: '/spec/none', value: 1 },
    ];
    expect((await api.patch(path, absent, PATCH.json)).status).toBe(200);
  },
  'refuses malformed patches': async (api) => {
    const path = api.own('agents', 'one');
    await api.post(api.own('agents'), agent('one'));
    expect((await api.patch(path, '{', PATCH.merge)).status).toBe(400);
    expect((await api.patch(path, '[]', PATCH.merge)).status).toBe(400);
    expect((await api.patch(path, '"x"', PATCH.merge)).status).toBe(400);
    expect((await api.patch(path, '', PATCH.merge)).status).toBe(400);
    expect((await api.patch(path, '{}', PATCH.json)).status).toBe(400);
    expect((await api.patch(path, '[{"op":"dance","path":"/spec"}]', PATCH.json)).status).toBeGreaterThanOrEqual(400);
    await api.patch(path, 'nonsense', PATCH.json);
    await api.patch(path, '[{"op":"add"}]', PATCH.json);
  },
  'knows strategic merge only for built-in kinds': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    const refused = await api.patch(api.own('agents', 'one'), { spec: {} }, PATCH.strategic);
    expect(refused.status).toBe(415);
    await api.post(api.core('configmaps'), configMap('one', { a: '1', b: '2' }, { finalizers: ['example.com/a'] }));
    const merged = await api.patch(
      api.core('configmaps', 'one'),
      { data: { a: null, c: '3' }, metadata: { finalizers: ['example.com/b'] } },
      PATCH.strategic,
    );
    expect(merged.body).toMatchObject({ data: { b: '2', c: '3' } });
    expect([...(merged.body.metadata.finalizers ?? [])].sort()).toEqual(['example.com/a', 'example.com/b']);
    await api.patch(
      api.core('configmaps', 'one'),
      { metadata: { '$deleteFromPrimitiveList/finalizers': ['example.com/a'] } },
      PATCH.strategic,
    );
    await api.patch(api.core('configmaps', 'one'), { data: { $patch: 'replace', z: '9' } }, PATCH.strategic);
    await api.patch(api.core('configmaps', 'one'), { metadata: { finalizers: null } }, PATCH.merge);
  },
  'merges owner references by uid in strategic patches': async (api) => {
    const owner = async (name: string): Promise<object> => {
      const { body } = await api.post(api.core('configmaps'), configMap(name));
      return { apiVersion: 'v1', kind: 'ConfigMap', name, uid: body.metadata.uid };
    };
    const [first, second] = [await owner('a'), await owner('b')];
    await api.post(api.core('secrets'), { metadata: { name: 'owned', ownerReferences: [first] } });
    const both = { metadata: { ownerReferences: [second] } };
    const answer = await api.patch(api.core('secrets', 'owned'), both, PATCH.strategic);
    expect(answer.body).toMatchObject({
      metadata: { ownerReferences: expect.arrayContaining([first, second]) as unknown },
    });
  },
  'refuses apply patches where there is no server-side apply': async (api) => {
    const body = JSON.stringify(agent('applied'));
    const query = { fieldManager: 'conformance' };
    const answer = await api.patch(api.own('agents', 'applied'), body, PATCH.apply, {
      query,
      differences: ['serverSideApply'],
    });
    expect(answer.status).toBe(api.server.kind === 'real' ? 201 : 415);
  },
  'refuses unknown patch types': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    for (const type of ['application/json', 'text/plain', 'application/merge-patch+yaml']) {
      expect((await api.patch(api.own('deploytasks', 'one'), '{}', type)).status).toBe(415);
    }
  },
  'runs the rules of the schema on the result': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    const answer = await api.patch(api.own('deploytasks', 'one'), { spec: { agent: 'agent-2' } });
    expect(answer.body).toMatchObject({
      code: 422,
      message: 'DeployTask.tiangong.io "one" is invalid: spec.agent: Forbidden: agent is immutable',
    });
  },
};
