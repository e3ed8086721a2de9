import { expect, vi } from 'vitest';
import type { AnswerBody, Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { Kubectl } from '../kubectl.ts';
import { agent, configMap, secret } from '../objects.ts';

const SILENT = { recorded: false } as const;
const DEADLINE = { timeout: 60_000, interval: 100 };

async function owner(api: Api, name: string): Promise<object> {
  const { body } = await api.post(api.own('agents'), agent(name), SILENT);
  return { apiVersion: 'tiangong.io/v1alpha1', kind: 'Agent', name, uid: body.metadata.uid };
}

const own = (
  api: Api,
  name: string,
  ownerReferences: readonly object[],
  finalizers: readonly string[] = [],
): Promise<unknown> => api.post(api.core('secrets'), secret(name, {}, { ownerReferences, finalizers }), SILENT);

const gone = (api: Api, path: string): Promise<void> =>
  vi.waitFor(async () => expect((await api.get(path, SILENT)).status).toBe(404), DEADLINE);

/** Waits until the object is as expected, then writes it into the transcript. */
async function settled(api: Api, path: string, condition: (body: AnswerBody) => void): Promise<void> {
  await vi.waitFor(async () => condition((await api.get(path, SILENT)).body), DEADLINE);
  const { body, status } = await api.get(path, SILENT);
  const { resourceVersion: _, ...metadata } = body.metadata;
  api.record({ step: `settled ${path.split('/').at(-1) ?? ''}`, status, body: { ...body, metadata } });
}

const policy = (propagationPolicy: string): object => ({ kind: 'DeleteOptions', apiVersion: 'v1', propagationPolicy });

export const garbageCollection: Record<string, Scenario> = {
  'deletes what the deleted object owned': async (api) => {
    const reference = await owner(api, 'owner');
    await own(api, 'owned', [reference]);
    await own(api, 'other', []);
    await api.delete(api.own('agents', 'owner'), policy('Background'));
    await gone(api, api.core('secrets', 'owned'));
    await api.get(api.core('secrets', 'other'));
  },
  'deletes what names an owner that is not there': async (api) => {
    const reference = { ...(await owner(api, 'owner')), uid: '11111111-2222-3333-4444-555555555555' };
    await own(api, 'owned', [reference]);
    await gone(api, api.core('secrets', 'owned'));
    expect((await api.get(api.own('agents', 'owner'))).status).toBe(200);
  },
  'keeps what has another owner still, without the lost one': async (api) => {
    const [first, second] = [await owner(api, 'first'), await owner(api, 'second')];
    await own(api, 'owned', [first, second]);
    await api.delete(api.own('agents', 'first'));
    await settled(api, api.core('secrets', 'owned'), (body) =>
      expect((body.metadata as { ownerReferences?: unknown }).ownerReferences).toEqual([second]),
    );
  },
  'deletes dependents first in the foreground': async (api) => {
    const reference = { ...(await owner(api, 'owner')), blockOwnerDeletion: true };
    await own(api, 'owned', [reference], ['example.com/held']);
    const answer = await api.delete(api.own('agents', 'owner'), policy('Foreground'));
    expect(answer.body.metadata.finalizers).toEqual(['foregroundDeletion']);
    await settled(api, api.core('secrets', 'owned'), (body) => expect(body.metadata.deletionTimestamp).toBeDefined());
    expect((await api.get(api.own('agents', 'owner'))).status).toBe(200);
    await api.patch(api.core('secrets', 'owned'), { metadata: { finalizers: null } }, undefined, SILENT);
    await gone(api, api.core('secrets', 'owned'));
    await gone(api, api.own('agents', 'owner'));
  },
  'frees dependents of an orphaning deletion': async (api) => {
    const reference = await owner(api, 'owner');
    await own(api, 'owned', [reference]);
    await api.delete(api.own('agents', 'owner'), policy('Orphan'));
    await gone(api, api.own('agents', 'owner'));
    await settled(api, api.core('secrets', 'owned'), (body) =>
      expect(body.metadata).not.toHaveProperty('ownerReferences'),
    );
  },
};

export const namespaceDeletion: Record<string, Scenario> = {
  'empties a deleted namespace, waiting for finalizers, and then removes it': async (api) => {
    const name = `${api.namespace}-gone`;
    const inside = `/api/v1/namespaces/${name}/configmaps`;
    await api.post('/api/v1/namespaces', { metadata: { name } }, SILENT);
    await api.post(inside, configMap('free'), SILENT);
    await api.post(inside, configMap('held', {}, { finalizers: ['example.com/held'] }), SILENT);
    await api.post(`/apis/tiangong.io/v1alpha1/namespaces/${name}/agents`, agent('one'), SILENT);
    await api.delete(`/api/v1/namespaces/${name}`);
    const refused = await api.post(inside, configMap('late'));
    expect(refused.status).toBe(403);
    expect(refused.body).toMatchObject({ details: { causes: [{ reason: 'NamespaceTerminating' }] } });
    await gone(api, `${inside}/free`);
    await gone(api, `/apis/tiangong.io/v1alpha1/namespaces/${name}/agents/one`);
    expect((await api.get(`/api/v1/namespaces/${name}`, SILENT)).body.status).toMatchObject({ phase: 'Terminating' });
    await api.patch(`${inside}/held`, { metadata: { finalizers: null } }, undefined, SILENT);
    await gone(api, `/api/v1/namespaces/${name}`);
    const again = await api.post('/api/v1/namespaces', { metadata: { name } });
    expect(again.status).toBe(201);
    expect((await api.get(inside)).body.items?.map(({ metadata }) => metadata.name)).not.toContain('free');
  },
};

export const kubectlDeletion: Record<string, Scenario> = {
  'kubectl delete cascades as it is told': async (api) => {
    const kubectl = new Kubectl(api);
    for (const cascade of ['foreground', 'background', 'orphan']) {
      await own(api, `${cascade}-owned`, [await owner(api, cascade)]);
      await kubectl.print(`delete ag ${cascade} --cascade=${cascade}`);
    }
    await gone(api, api.core('secrets', 'background-owned'));
    expect(await kubectl.print('get secrets -o name')).toBe('secret/orphan-owned\n');
  },
  'kubectl delete namespace waits for its end': async (api) => {
    const kubectl = new Kubectl(api);
    const name = `${api.namespace}-gone`;
    await kubectl.print(`create ns ${name}`);
    await kubectl.print(`delete ns ${name} --timeout=60s`);
    expect((await kubectl.run(`get ns ${name}`)).code).toBe(1);
  },
};
