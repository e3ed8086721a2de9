import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, task } from '../objects.ts';

const query = { dryRun: 'All' };

export const dryRun: Record<string, Scenario> = {
  'answers as if it had written, and writes nothing': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'), { query });
    expect(created.status).toBe(201);
    expect(created.body.metadata.uid).toBeDefined();
    expect((await api.get(api.own('agents', 'one'))).status).toBe(404);
    const real = await api.post(api.own('agents'), agent('one'));
    const patched = await api.patch(api.own('agents', 'one'), { spec: { maxConcurrent: 3 } }, PATCH.merge, { query });
    expect(patched.body).toMatchObject({ spec: { maxConcurrent: 3 }, metadata: { generation: 2 } });
    const replaced = await api.put(api.own('agents', 'one'), { ...real.body, spec: { maxConcurrent: 4 } }, { query });
    expect(replaced.body).toMatchObject({ spec: { maxConcurrent: 4 } });
    await api.patch(api.own('agents', 'one/status'), { status: { version: '2' } }, PATCH.merge, { query });
    expect((await api.delete(api.own('agents', 'one'), undefined, { query })).status).toBe(200);
    expect((await api.get(api.own('agents', 'one'))).body).toEqual(real.body);
  },
  'refuses what a real write would be refused': async (api) => {
    expect((await api.post(api.own('deploytasks'), task('one', { command: ' ' }), { query })).status).toBe(422);
    await api.post(api.own('agents'), agent('one'));
    expect((await api.post(api.own('agents'), agent('one'), { query })).status).toBe(409);
    expect((await api.patch(api.own('agents', 'none'), {}, PATCH.merge, { query })).status).toBe(404);
  },
  'knows no value but All': async (api) => {
    expect((await api.post(api.own('agents'), agent('one'), { query: { dryRun: 'Some' } })).status).toBe(422);
    await api.post(api.own('agents'), agent('one'), { query: { dryRun: '' } });
    await api.delete(api.own('agents', 'one'), { kind: 'DeleteOptions', apiVersion: 'v1', dryRun: ['None'] });
  },
};
