import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, configMap } from '../objects.ts';

const uid = '11111111-2222-3333-4444-555555555555';
const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };

/** An owner that is there: what names one that is not is soon collected. */
async function realOwner(api: Api): Promise<object> {
  const { body } = await api.post(api.core('configmaps'), configMap('owner'));
  return { ...owner, uid: body.metadata.uid };
}

/** What the API server itself does about owners; the collecting is in garbage-collection.cluster.test.ts. */
export const ownerReferences: Record<string, Scenario> = {
  'keeps owner references as they are': async (api) => {
    const reference = { ...(await realOwner(api)), controller: true, blockOwnerDeletion: true };
    const kept = await api.post(api.own('agents'), agent('kept', {}, { ownerReferences: [reference] }));
    expect(kept.body).toMatchObject({ metadata: { ownerReferences: [reference] } });
    await api.patch(api.own('agents', 'kept'), { metadata: { ownerReferences: null, finalizers: null } });
  },
  'refuses owner references that name nobody or two controllers': async (api) => {
    for (const ownerReferences of [
      [{ ...owner, uid: '' }],
      [{ ...owner, name: '' }],
      [{ ...owner, kind: '' }],
      [{ ...owner, apiVersion: '' }],
      [{ ...owner, apiVersion: 'a/b/c' }],
      [{ ...owner, kind: 'Event' }],
      [{ apiVersion: 'v1' }],
      [
        { ...owner, controller: true },
        { ...owner, uid: uid.replace('1', '2'), controller: true },
      ],
    ]) {
      const bad = agent('bad', {}, { ownerReferences });
      const answer = await api.post(api.own('agents'), bad, { differences: ['echoedOwners'] });
      expect(answer.status).toBe(422);
    }
  },
};
