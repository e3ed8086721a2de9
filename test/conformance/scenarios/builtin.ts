import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { configMap, lease, secret } from '../objects.ts';

export const namespaces: Record<string, Scenario> = {
  'creates a namespace with its label, finalizer and phase': async (api) => {
    const name = `${api.namespace}-x`;
    const created = await api.post('/api/v1/namespaces', { metadata: { name } });
    expect(created.body).toMatchObject({
      metadata: { labels: { 'kubernetes.io/metadata.name': name } },
      spec: { finalizers: ['kubernetes'] },
      status: { phase: 'Active' },
    });
    await api.get(`/api/v1/namespaces/${name}`);
    await api.patch(`/api/v1/namespaces/${name}`, {
      metadata: { labels: { a: 'b', 'kubernetes.io/metadata.name': null } },
    });
    await api.post('/api/v1/namespaces', { metadata: { name } });
    await api.post('/api/v1/namespaces', { metadata: { name: 'Not_Good' } });
    await api.post('/api/v1/namespaces', { metadata: { name: 'a.b' } });
    await api.post('/api/v1/namespaces', { metadata: { name: 'x'.repeat(64) } });
  },
  'has the namespaces that every cluster has': async (api) => {
    for (const name of ['default', 'kube-system']) {
      const { body } = await api.get(`/api/v1/namespaces/${name}`, { recorded: false });
      expect(body.status).toEqual({ phase: 'Active' });
    }
  },
  'refuses objects in a namespace that is not there': async (api) => {
    const answer = await api.post('/api/v1/namespaces/nowhere/configmaps', configMap('one'));
    expect(answer.status).toBe(404);
    expect(answer.body.message).toBe('namespaces "nowhere" not found');
    await api.post('/apis/tiangong.io/v1alpha1/namespaces/nowhere/agents', {
      apiVersion: 'tiangong.io/v1alpha1',
      kind: 'Agent',
      metadata: { name: 'a' },
    });
    expect((await api.get('/api/v1/namespaces/nowhere/configmaps')).body.items).toEqual([]);
    expect((await api.get('/api/v1/namespaces/nowhere/configmaps/one')).status).toBe(404);
  },
  'refuses objects that name another namespace than the path': async (api) => {
    const answer = await api.post(api.core('configmaps'), configMap('one', {}, { namespace: 'default' }));
    expect(answer.status).toBe(400);
  },
  'turns a deleted namespace to Terminating': async (api) => {
    const name = `${api.namespace}-gone`;
    await api.post('/api/v1/namespaces', { metadata: { name } });
    const deleted = await api.delete(`/api/v1/namespaces/${name}`);
    expect(deleted.body).toMatchObject({ kind: 'Namespace', status: { phase: 'Terminating' } });
  },
  'never deletes the default namespace': async (api) => {
    const answer = await api.delete('/api/v1/namespaces/default');
    expect(answer.status).toBe(403);
  },
};

export const secretsAndConfigMaps: Record<string, Scenario> = {
  'folds stringData into data and never shows it': async (api) => {
    const created = await api.post(
      api.core('secrets'),
      secret('one', { data: { a: 'YQ==', b: 'Yg==' }, stringData: { b: 'changed', c: 'ü' } }),
    );
    expect(created.body).toMatchObject({ type: 'Opaque', data: { a: 'YQ==', b: 'Y2hhbmdlZA==', c: 'w7w=' } });
    expect(created.body).not.toHaveProperty('stringData');
    const patched = await api.patch(api.core('secrets', 'one'), { stringData: { a: 'new' } });
    expect(patched.body).toMatchObject({ data: { a: 'bmV3' } });
    await api.patch(api.core('secrets', 'one'), { stringData: { d: 'x' } }, PATCH.strategic);
  },
  'keeps the type of a secret': async (api) => {
    await api.post(api.core('secrets'), secret('one', { type: 'tiangong.io/credential' }));
    expect((await api.patch(api.core('secrets', 'one'), { type: 'Opaque' })).status).toBe(422);
  },
  'keeps immutable ones as they are': async (api) => {
    await api.post(api.core('secrets'), secret('one', { immutable: true, stringData: { a: '1' } }));
    expect((await api.patch(api.core('secrets', 'one'), { stringData: { a: '2' } })).status).toBe(422);
    expect((await api.patch(api.core('secrets', 'one'), { immutable: false })).status).toBe(422);
    await api.post(api.core('configmaps'), { ...configMap('one', { a: '1' }), immutable: true });
    expect((await api.patch(api.core('configmaps', 'one'), { data: { a: '2' } })).status).toBe(422);
    expect((await api.patch(api.core('configmaps', 'one'), { immutable: null })).status).toBe(422);
    expect((await api.patch(api.core('configmaps', 'one'), { metadata: { labels: { a: 'b' } } })).status).toBe(200);
  },
  'refuses malformed keys and values': async (api) => {
    const cases: readonly (readonly [string, object])[] = [
      ['secrets', secret('x', { data: { a: 'not base64!' } })],
      ['secrets', secret('x', { data: { 'bad key': 'YQ==' } })],
      ['secrets', secret('x', { data: { a: 5 } })],
      ['secrets', secret('x', { stringData: { a: true } })],
      ['secrets', secret('x', { data: [] })],
      ['configmaps', configMap('x', { a: 5 })],
      ['configmaps', configMap('x', { '..': 'x' })],
      ['configmaps', configMap('x', { ['k'.repeat(254)]: 'x' })],
      ['configmaps', { ...configMap('x', { a: 'x' }), binaryData: { a: 'YQ==' } }],
      ['configmaps', configMap('x', { a: 'x'.repeat(1_048_577) })],
      ['secrets', secret('x', { stringData: { a: 'x'.repeat(1_048_577) } })],
    ];
    for (const [plural, object] of cases) {
      const answer = await api.post(api.core(plural), object);
      expect(answer.status).toBeGreaterThanOrEqual(400);
    }
    await api.post(api.core('secrets'), secret('nulls', { data: { a: null } }));
    await api.post(api.core('configmaps'), { ...configMap('binary'), binaryData: { a: 'AAEC' } });
  },
  'knows the shapes of well-known secret types': async (api) => {
    for (const type of [
      'kubernetes.io/basic-auth',
      'kubernetes.io/tls',
      'kubernetes.io/dockerconfigjson',
      'kubernetes.io/ssh-auth',
    ]) {
      expect((await api.post(api.core('secrets'), secret('typed', { type }))).status).toBe(422);
    }
    await api.post(
      api.core('secrets'),
      secret('basic', { type: 'kubernetes.io/basic-auth', stringData: { username: 'u' } }),
    );
  },
};

export const leases: Record<string, Scenario> = {
  'keeps microseconds': async (api) => {
    const spec = {
      holderIdentity: 'me',
      leaseDurationSeconds: 25,
      acquireTime: '2026-01-02T03:04:05.123456Z',
      renewTime: '2026-01-02T03:04:05.000000Z',
      leaseTransitions: 1,
    };
    const created = await api.post(api.lease(), lease('one', spec));
    expect(created.body.spec).toEqual(spec);
    const renewed = await api.patch(api.lease('one'), { spec: { renewTime: '2026-01-02T03:05:00.500000Z' } });
    expect(renewed.body.spec).toMatchObject({ renewTime: '2026-01-02T03:05:00.500000Z' });
    await api.patch(api.lease('one'), { spec: { renewTime: '2026-01-02T03:05:00.123456789Z' } });
    const released = await api.patch(api.lease('one'), { spec: { holderIdentity: '' } });
    expect(released.body.spec).toMatchObject({ holderIdentity: '' });
    await api.patch(api.lease('one'), { spec: { holderIdentity: null } });
  },
  'takes part in optimistic locking': async (api) => {
    const { body } = await api.post(api.lease(), lease('one', { holderIdentity: 'a' }));
    await api.put(api.lease('one'), { ...body, spec: { ...body.spec, holderIdentity: 'b' } });
    expect((await api.put(api.lease('one'), { ...body, spec: { ...body.spec, holderIdentity: 'c' } })).status).toBe(
      409,
    );
  },
  'refuses nonsense': async (api) => {
    for (const spec of [
      { leaseDurationSeconds: 0 },
      { leaseDurationSeconds: 'x' },
      { leaseTransitions: -1 },
      { renewTime: 'soon' },
      { renewTime: '2026-01-02T03:04:05Z' },
      { leaseDurationSeconds: 1.5 },
    ]) {
      expect((await api.post(api.lease(), lease('bad', spec))).status).toBeGreaterThanOrEqual(400);
    }
    await api.post(api.lease(), { apiVersion: 'coordination.k8s.io/v1', kind: 'Lease', metadata: { name: 'bare' } });
  },
};

export const events: Record<string, Scenario> = {
  'shows an event of the old group in the new one and the other way round': async (api) => {
    const involved = { apiVersion: 'tiangong.io/v1alpha1', kind: 'DeployTask', name: 'one', namespace: api.namespace };
    const old = {
      apiVersion: 'v1',
      kind: 'Event',
      metadata: { name: 'one.1' },
      involvedObject: involved,
      reason: 'AgentOffline',
      message: 'agent-1 is offline',
      type: 'Warning',
      source: { component: 'tiangong-operator', host: 'h' },
      firstTimestamp: '2026-01-02T03:04:05Z',
      lastTimestamp: '2026-01-02T03:04:06Z',
      count: 2,
    };
    const created = await api.post(api.core('events'), old);
    expect(created.status).toBe(201);
    const path = `/apis/events.k8s.io/v1/namespaces/${api.namespace}/events`;
    const seen = await api.get(`${path}/one.1`);
    expect(seen.body).toMatchObject({ regarding: involved, note: 'agent-1 is offline', deprecatedCount: 2 });
    const modern = {
      apiVersion: 'events.k8s.io/v1',
      kind: 'Event',
      metadata: { name: 'two.1' },
      regarding: involved,
      reason: 'AgentOffline',
      note: 'agent-1 is offline',
      type: 'Warning',
      action: 'Dispatch',
      eventTime: '2026-01-02T03:04:05.000001Z',
      reportingController: 'tiangong.io/operator',
      reportingInstance: 'operator-1',
    };
    const newer = await api.post(path, modern);
    expect(newer.status).toBe(201);
    expect((await api.get(api.core('events', 'two.1'))).body).toMatchObject({ involvedObject: involved });
    await api.patch(`${path}/two.1`, { series: { count: 2, lastObservedTime: '2026-01-02T03:04:06.000000Z' } });
    expect((await api.get(path)).body.items).toHaveLength(2);
    expect((await api.get(api.core('events'))).body.items).toHaveLength(2);
    const query = {
      fieldSelector: 'involvedObject.kind=DeployTask,involvedObject.name=one,reason=AgentOffline,type=Warning',
    };
    expect((await api.get(api.core('events'), { query })).body.items).toHaveLength(2);
    expect(
      (await api.get(api.core('events'), { query: { fieldSelector: 'involvedObject.name=other' } })).body.items,
    ).toEqual([]);
  },
  'refuses incomplete events': async (api) => {
    const path = `/apis/events.k8s.io/v1/namespaces/${api.namespace}/events`;
    await api.post(path, { metadata: { name: 'bad' } });
    await api.post(api.core('events'), { metadata: { name: 'bad' } });
    await api.post(api.core('events'), { metadata: { name: 'bad' }, involvedObject: { namespace: 'default' } });
  },
};
