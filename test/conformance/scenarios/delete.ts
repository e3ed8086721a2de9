import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';
import { agent, configMap } from '../objects.ts';

const options = (fields: object): object => ({ kind: 'DeleteOptions', apiVersion: 'v1', ...fields });

export const deletion: Record<string, Scenario> = {
  'answers with a Status that names what was deleted': async (api) => {
    const { body } = await api.post(api.own('agents'), agent('one'));
    const answer = await api.delete(api.own('agents', 'one'));
    expect(answer.body).toMatchObject({
      kind: 'Status',
      status: 'Success',
      details: { name: 'one', group: 'tiangong.io', kind: 'agents', uid: body.metadata.uid },
    });
    await api.post(api.core('configmaps'), configMap('one'));
    await api.delete(api.core('configmaps', 'one'));
    await api.post(api.core('secrets'), { metadata: { name: 'one' } });
    await api.delete(api.core('secrets', 'one'), options({ gracePeriodSeconds: 30 }));
  },
  'takes propagation policies as body or query': async (api) => {
    for (const propagationPolicy of ['Background', 'Foreground', 'Orphan']) {
      await api.post(api.own('agents'), agent(propagationPolicy.toLowerCase()));
      const answer = await api.delete(
        api.own('agents', propagationPolicy.toLowerCase()),
        options({ propagationPolicy }),
      );
      expect(answer.status).toBe(200);
    }
    await api.post(api.own('agents'), agent('by-query'));
    await api.delete(api.own('agents', 'by-query'), undefined, { query: { propagationPolicy: 'Background' } });
    await api.post(api.own('agents'), agent('bad'));
    const bad = await api.delete(api.own('agents', 'bad'), options({ propagationPolicy: 'Sideways' }));
    expect(bad.status).toBe(422);
    expect(
      (await api.delete(api.own('agents', 'bad'), options({ propagationPolicy: 'Orphan', orphanDependents: true })))
        .status,
    ).toBe(422);
    expect((await api.delete(api.own('agents', 'bad'), '{')).status).toBe(400);
  },
  'deletes collections by selector': async (api) => {
    for (const [name, role] of [
      ['a', 'x'],
      ['b', 'x'],
      ['c', 'y'],
    ] as const) {
      await api.post(api.own('agents'), agent(name, {}, { labels: { role } }));
      await api.post(api.core('configmaps'), configMap(name, {}, { labels: { role } }));
    }
    const some = await api.delete(api.own('agents'), undefined, { query: { labelSelector: 'role=x' } });
    expect(some.body).toMatchObject({ kind: 'AgentList' });
    const left = await api.get(api.own('agents'));
    expect(left.body.items?.map(({ metadata }) => metadata.name)).toEqual(['c']);
    await api.delete(api.core('configmaps'), undefined, { query: { fieldSelector: 'metadata.name!=c' } });
    await api.delete(api.own('agents'), options({ dryRun: ['All'] }));
    await api.delete(api.own('agents'));
    expect((await api.get(api.own('agents'))).body.items).toEqual([]);
  },
};
