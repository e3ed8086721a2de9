import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, task } from '../objects.ts';

const finalizers = ['tiangong.io/cleanup'];

export const finalizersScenarios: Record<string, Scenario> = {
  'keeps a deleted object until its last finalizer is gone': async (api) => {
    const path = api.own('deploytasks', 'one');
    await api.post(api.own('deploytasks'), task('one', {}, { finalizers: [...finalizers, 'example.com/second'] }));
    const deleted = await api.delete(path);
    expect(deleted.status).toBe(200);
    expect(deleted.body).toMatchObject({ kind: 'DeployTask', metadata: { deletionGracePeriodSeconds: 0 } });
    expect(deleted.body.metadata.deletionTimestamp).toMatch(/Z$/);
    const again = await api.delete(path);
    expect(again.body.metadata.resourceVersion).toBe(deleted.body.metadata.resourceVersion);
    const one = await api.patch(path, { metadata: { finalizers } });
    expect(one.status).toBe(200);
    const last = await api.patch(path, { metadata: { finalizers: [] } });
    expect(last.status).toBe(200);
    expect((await api.get(path)).status).toBe(404);
  },
  'lets spec and status change while the deletion waits': async (api) => {
    const path = api.own('deploytasks', 'one');
    await api.post(api.own('deploytasks'), task('one', {}, { finalizers }));
    await api.delete(path);
    expect((await api.patch(path, { spec: { cancel: true } })).status).toBe(200);
    expect((await api.patch(`${path}/status`, { status: { state: 'Canceled' } })).status).toBe(200);
    await api.patch(path, [{ op: 'remove', path: '/metadata/finalizers/0' }], PATCH.json);
    expect((await api.get(path)).status).toBe(404);
  },
  'refuses new finalizers on an object that is being deleted': async (api) => {
    const path = api.own('agents', 'one');
    await api.post(api.own('agents'), agent('one', {}, { finalizers }));
    await api.delete(path);
    const answer = await api.patch(path, { metadata: { finalizers: [...finalizers, 'example.com/late'] } });
    expect(answer.status).toBe(422);
    await api.patch(path, { metadata: { deletionTimestamp: null } });
    await api.patch(path, { metadata: { finalizers: null } });
  },
  'removes through a replace as well': async (api) => {
    const path = api.own('agents', 'one');
    await api.post(api.own('agents'), agent('one', {}, { finalizers }));
    const { body } = await api.delete(path);
    const { finalizers: _, ...metadata } = body.metadata;
    expect((await api.put(path, { ...body, metadata })).status).toBe(200);
    expect((await api.get(path)).status).toBe(404);
  },
  'refuses malformed finalizers': async (api) => {
    for (const bad of ['no slash!', 'a b/c', '']) {
      expect((await api.post(api.own('agents'), agent('one', {}, { finalizers: [bad] }))).status).toBe(422);
    }
  },
  'does not finalise on a dry run': async (api) => {
    await api.post(api.own('agents'), agent('one', {}, { finalizers }));
    const answer = await api.delete(api.own('agents', 'one'), undefined, { query: { dryRun: 'All' } });
    expect(answer.status).toBe(200);
    expect((await api.get(api.own('agents', 'one'))).body.metadata.deletionTimestamp).toBeUndefined();
  },
};
