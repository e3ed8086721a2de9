import { expect } from 'vitest';
import { PATCH } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, task } from '../objects.ts';

const CONFLICT =
  'Operation cannot be fulfilled on deploytasks.tiangong.io "one": the object has been modified; please apply your changes to the latest version and try again';

export const optimisticLocking: Record<string, Scenario> = {
  'refuses to replace an old version': async (api) => {
    const first = await api.post(api.own('deploytasks'), task('one'));
    await api.patch(api.own('deploytasks', 'one'), { spec: { priority: 1 } });
    const stale = await api.put(api.own('deploytasks', 'one'), first.body);
    expect(stale.status).toBe(409);
    expect(stale.body).toMatchObject({ reason: 'Conflict', message: CONFLICT });
  },
  'refuses to patch an old version, also its status': async (api) => {
    const first = await api.post(api.own('deploytasks'), task('one'));
    const { resourceVersion } = first.body.metadata;
    const winner = await api.patch(api.own('deploytasks', 'one/status'), {
      metadata: { resourceVersion },
      status: assigned('agent-1'),
    });
    expect(winner.status).toBe(200);
    const loser = await api.patch(api.own('deploytasks', 'one/status'), {
      metadata: { resourceVersion },
      status: assigned('agent-2'),
    });
    expect(loser.body).toMatchObject({ code: 409, message: CONFLICT });
    const json = [{ op: 'replace', path: '/metadata/resourceVersion', value: resourceVersion }];
    expect((await api.patch(api.own('deploytasks', 'one'), json, PATCH.json)).status).toBe(409);
  },
  'replaces custom resources only with their version, built-in ones without as well': async (api) => {
    await api.post(api.own('agents'), agent('one'));
    const without = await api.put(api.own('agents', 'one'), agent('one', { maxConcurrent: 2 }));
    expect(without.status).toBe(422);
    await api.post(api.core('configmaps'), { metadata: { name: 'one' }, data: { a: '1' } });
    const configMap = await api.put(api.core('configmaps', 'one'), { metadata: { name: 'one' }, data: { a: '2' } });
    expect(configMap.body).toMatchObject({ data: { a: '2' } });
    await api.put(api.core('configmaps', 'one'), { metadata: { name: 'one', resourceVersion: '0' }, data: {} });
    await api.put(api.core('configmaps', 'one'), { metadata: { name: 'one', resourceVersion: 'x' }, data: {} });
  },
  'refuses a write that means another object of the same name': async (api) => {
    const first = await api.post(api.own('agents'), agent('one'));
    await api.delete(api.own('agents', 'one'));
    await api.post(api.own('agents'), agent('one'));
    expect((await api.put(api.own('agents', 'one'), first.body)).status).toBe(409);
    const uid = { metadata: { uid: '11111111-2222-3333-4444-555555555555' } };
    await api.patch(api.own('agents', 'one'), uid);
    await api.patch(api.own('agents', 'one/status'), uid);
  },
  'deletes only what the preconditions name': async (api) => {
    const created = await api.post(api.own('agents'), agent('one'));
    const { uid, resourceVersion } = created.body.metadata;
    const options = (preconditions: object): object => ({ kind: 'DeleteOptions', apiVersion: 'v1', preconditions });
    const other = '11111111-2222-3333-4444-555555555555';
    expect((await api.delete(api.own('agents', 'one'), options({ uid: other }))).status).toBe(409);
    expect((await api.delete(api.own('agents', 'one'), options({ resourceVersion: '1' }))).status).toBe(409);
    expect((await api.delete(api.own('agents', 'one'), options({ uid, resourceVersion }))).status).toBe(200);
  },
  'lets exactly one of many writers of the same version win': async (api) => {
    const created = await api.post(api.own('deploytasks'), task('one'));
    const { resourceVersion } = created.body.metadata;
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, i) =>
        api.patch(
          api.own('deploytasks', 'one'),
          { metadata: { resourceVersion }, spec: { priority: i + 1 } },
          PATCH.merge,
          { recorded: false },
        ),
      ),
    );
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(answers.filter(({ status }) => status === 409)).toHaveLength(19);
  },
};
