import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, task } from '../objects.ts';

export const statusSubresource: Record<string, Scenario> = {
  'drops a status that comes with a create': async (api) => {
    const created = await api.post(api.own('deploytasks'), { ...task('one'), status: { state: 'Succeeded' } });
    expect(created.body.status).toEqual({ observedGeneration: -1 });
    const bare = await api.post(api.own('agents'), { ...agent('one'), status: { ip: '10.0.0.1' } });
    expect(bare.body.status).toBeUndefined();
  },
  'ignores the status in writes of the object and everything else in writes of the status': async (api) => {
    const { body } = await api.post(api.own('deploytasks'), task('one'));
    const main = await api.put(api.own('deploytasks', 'one'), {
      ...body,
      spec: { ...body.spec, priority: 3 },
      status: { state: 'Pending' },
    });
    expect(main.body).toMatchObject({ spec: { priority: 3 }, status: { observedGeneration: -1 } });
    const status = await api.put(api.own('deploytasks', 'one/status'), {
      ...main.body,
      metadata: { ...main.body.metadata, labels: { ignored: 'yes' }, finalizers: ['example.com/ignored'] },
      spec: { ...body.spec, priority: 9 },
      status: { state: 'Pending' },
    });
    expect(status.body).toMatchObject({ spec: { priority: 3 }, status: { state: 'Pending' } });
    expect(status.body.metadata.finalizers).toBeUndefined();
    expect(status.body.metadata.generation).toBe(2);
  },
  'patches the status alone': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    const merged = await api.patch(api.own('deploytasks', 'one/status'), {
      metadata: { labels: { a: 'b' }, annotations: { c: 'd' } },
      spec: { priority: 4 },
      status: assigned('agent-1'),
    });
    expect(merged.body).toMatchObject({
      spec: { priority: 0 },
      metadata: { generation: 1 },
      status: { state: 'Assigned' },
    });
    const json = await api.patch(
      api.own('deploytasks', 'one/status'),
      [{ op: 'add', path: '/status/error', value: 'x' }],
      PATCH.json,
    );
    expect(json.body.status).toMatchObject({ state: 'Assigned', error: 'x' });
    await api.patch(api.own('deploytasks', 'one'), { status: { error: 'y' }, spec: { priority: 1 } });
    await api.patch(api.own('deploytasks', 'one'), { status: null });
    expect((await api.get(api.own('deploytasks', 'one/status'))).body).toMatchObject({ status: { error: 'x' } });
  },
  'removes fields of the status with null and restores its default': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    await api.patch(api.own('agents', 'one/status'), { status: { ip: '10.0.0.1', version: '1' } });
    const less = await api.patch(api.own('agents', 'one/status'), { status: { ip: null } });
    expect(less.body.status).toEqual({ version: '1' });
    await api.patch(api.own('agents', 'one/status'), { status: null });
    await api.post(api.own('deploytasks'), task('one'));
    // Not recorded: it changes the field managers of a real server, and so the version.
    const path = api.own('deploytasks', 'one/status');
    const restored = await api.patch(path, { status: null }, PATCH.merge, { recorded: false });
    expect(restored.body.status).toEqual({ observedGeneration: -1 });
  },
  'has no other subresource and no other verbs': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    expect((await api.get(api.own('agents', 'one/scale'))).status).toBe(404);
    expect((await api.post(api.own('agents', 'one/status'), {})).status).toBe(405);
    expect((await api.delete(api.own('agents', 'one/status'))).status).toBe(405);
  },
};
