import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';
import { GROUP_VERSION, agent, task } from '../objects.ts';

export const crud: Record<string, Scenario> = {
  'creates, reads, replaces, lists and deletes an object': async (api) => {
    const created = await api.post(api.own('deploytasks'), task('one'));
    expect(created.status).toBe(201);
    expect(created.body).toMatchObject({
      apiVersion: GROUP_VERSION,
      kind: 'DeployTask',
      metadata: { name: 'one', namespace: api.namespace, generation: 1 },
      spec: { agent: 'agent-1', type: 'shell', command: 'echo hi', priority: 0, startDeadlineSeconds: 3600 },
      status: { observedGeneration: -1 },
    });
    const read = await api.get(api.own('deploytasks', 'one'));
    expect(read.body).toEqual(created.body);
    const replaced = await api.put(api.own('deploytasks', 'one'), {
      ...read.body,
      spec: { ...read.body.spec, priority: 5 },
    });
    expect(replaced.body).toMatchObject({ metadata: { generation: 2 }, spec: { priority: 5 } });
    expect(replaced.body.metadata.resourceVersion).not.toBe(read.body.metadata.resourceVersion);
    const list = await api.get(api.own('deploytasks'));
    expect(list.body).toMatchObject({ kind: 'DeployTaskList', apiVersion: GROUP_VERSION });
    expect(list.body.items).toEqual([replaced.body]);
    const deleted = await api.delete(api.own('deploytasks', 'one'));
    expect(deleted.body).toMatchObject({ kind: 'Status', status: 'Success', details: { name: 'one' } });
    expect((await api.get(api.own('deploytasks', 'one'))).status).toBe(404);
  },
  'refuses to create an object twice': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    const again = await api.post(api.own('agents'), agent('one'));
    expect(again.status).toBe(409);
    expect(again.body).toMatchObject({ reason: 'AlreadyExists', message: 'agents.tiangong.io "one" already exists' });
  },
  'says NotFound for reads and writes of what is not there': async (api) => {
    const path = api.own('deploytasks', 'none');
    expect((await api.get(path)).body).toMatchObject({
      code: 404,
      message: 'deploytasks.tiangong.io "none" not found',
      details: { name: 'none', group: 'tiangong.io', kind: 'deploytasks' },
    });
    expect((await api.put(path, task('none', {}, { resourceVersion: '1' }))).status).toBe(404);
    expect((await api.patch(path, { spec: { priority: 1 } })).status).toBe(404);
    expect((await api.patch(`${path}/status`, { status: {} })).status).toBe(404);
    expect((await api.delete(path)).status).toBe(404);
  },
  'refuses to create by replacing': async (api) => {
    const answer = await api.put(api.own('deploytasks', 'new'), task('new'));
    await api.put(api.core('configmaps', 'new'), { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'new' } });
    expect([404, 409, 422]).toContain(answer.status);
  },
  'keeps an object as it was when a write changes nothing': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'));
    const same = await api.put(api.own('agents', 'one'), created.body);
    expect(same.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
    const patched = await api.patch(api.own('agents', 'one'), { spec: { maxConcurrent: 10 } });
    expect(patched.body.metadata.resourceVersion).toBe(created.body.metadata.resourceVersion);
    const status = await api.patch(api.own('agents', 'one/status'), { status: {} });
    expect(status.body.metadata.generation).toBe(1);
  },
  'sets what belongs to the server and takes it from nobody': async (api) => {
    const uid = '11111111-2222-3333-4444-555555555555';
    const forged = await api.post(
      api.own('agents'),
      agent('forged', {}, { uid, generation: 7, creationTimestamp: '2001-01-01T00:00:00Z', selfLink: '/x' }),
    );
    expect(forged.status).toBe(201);
    expect(forged.body.metadata.uid).not.toBe(uid);
    expect(forged.body.metadata.generation).toBe(1);
    const changed = await api.patch(api.own('agents', 'forged'), {
      metadata: { generation: 9, creationTimestamp: '2001-01-01T00:00:00Z' },
    });
    expect(changed.body.metadata.generation).toBe(1);
    await api.patch(api.own('agents', 'forged'), { metadata: { uid } });
    await api.patch(api.own('agents', 'forged'), { metadata: { name: 'other' } });
    await api.patch(api.own('agents', 'forged'), { metadata: { namespace: 'default' } });
    await api.post(api.own('agents'), agent('versioned', {}, { resourceVersion: '5' }));
  },
  'keeps labels and annotations, and refuses malformed ones': async (api) => {
    const good = await api.post(
      api.own('agents'),
      agent(
        'good',
        {},
        { labels: { 'example.com/role': 'db', empty: '' }, annotations: { 'example.com/note': 'a b\nc' } },
      ),
    );
    expect(good.status).toBe(201);
    for (const [name, metadata] of Object.entries({
      'label-key': { labels: { '-bad': 'x' } },
      'label-value': { labels: { a: 'not good' } },
      'label-length': { labels: { a: 'x'.repeat(64) } },
      'annotation-key': { annotations: { 'a/b/c': 'x' } },
      'annotation-size': { annotations: { a: 'x'.repeat(262_145) } },
    })) {
      expect((await api.post(api.own('agents'), agent(name, {}, metadata))).status).toBe(422);
    }
  },
  'refuses names that are not DNS labels in lower case': async (api) => {
    for (const name of ['Upper', 'a_b', '-a', 'a b', 'x'.repeat(254), '../a', 'a/b', 'ü', '%2e']) {
      const answer = await api.post(api.own('deploytasks'), task(name));
      expect(answer.status).toBe(422);
    }
    expect((await api.post(api.own('deploytasks'), task('a.b-c.0'))).status).toBe(201);
    expect((await api.post(api.core('configmaps'), { metadata: { name: 'Up' } })).status).toBe(422);
  },
  'reads across namespaces': async (api) => {
    await api.post(api.own('agents'), agent('lonely', {}, { labels: { 'conformance-run': api.namespace } }));
    const all = await api.get('/apis/tiangong.io/v1alpha1/agents', {
      query: { labelSelector: `conformance-run=${api.namespace}` },
    });
    expect(all.body.items).toHaveLength(1);
    expect((await api.post('/apis/tiangong.io/v1alpha1/agents', agent('x'))).status).toBe(404);
    expect((await api.post('/api/v1/configmaps', {})).status).toBe(405);
  },
};
