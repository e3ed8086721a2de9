import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, task } from '../objects.ts';

export const generation: Record<string, Scenario> = {
  'counts changes of the spec, not of metadata or status': async (api) => {
    const path = api.own('agents', 'one');
    expect((await api.post(api.own('agents'), agent('one'))).body.metadata.generation).toBe(1);
    const labelled = await api.patch(path, { metadata: { labels: { a: 'b' } } });
    expect(labelled.body.metadata.generation).toBe(1);
    const status = await api.patch(`${path}/status`, { status: { version: '1' } });
    expect(status.body.metadata.generation).toBe(1);
    const spec = await api.patch(path, { spec: { unschedulable: true } });
    expect(spec.body.metadata.generation).toBe(2);
    const same = await api.patch(path, { spec: { unschedulable: true } });
    expect(same.body.metadata.generation).toBe(2);
    const back = await api.patch(path, [{ op: 'remove', path: '/spec/unschedulable' }], PATCH.json);
    expect(back.body.metadata.generation).toBe(3);
  },
  'counts a deletion that waits for a finalizer': async (api) => {
    await api.post(api.own('deploytasks'), task('one', {}, { finalizers: ['tiangong.io/cleanup'] }));
    const deleted = await api.delete(api.own('deploytasks', 'one'));
    expect(deleted.body.metadata.generation).toBe(2);
    await api.patch(api.own('deploytasks', 'one'), { metadata: { finalizers: null } });
  },
  'is not kept for config maps and secrets': async (api) => {
    const created = await api.post(api.core('configmaps'), { metadata: { name: 'one' } });
    expect(created.body.metadata.generation).toBeUndefined();
    await api.post(api.core('secrets'), { metadata: { name: 'one' } });
    await api.post(api.lease(), { metadata: { name: 'one' } });
  },
};
