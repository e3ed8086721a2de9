import { expect } from 'vitest';
import type { Scenario } from '../describe-conformance.ts';
import { agent } from '../objects.ts';

const uid = '11111111-2222-3333-4444-555555555555';
const owner = { apiVersion: 'v1', kind: 'ConfigMap', name: 'owner', uid };

/** What the API server itself does about owners; the collecting is in garbage-collection.cluster.test.ts. */
export const ownerReferences: Record<string, Scenario> = {
  'keeps owner references as they are': async (api) => {
    const kept = await api.post(
      api.own('agents'),
      agent('kept', {}, { ownerReferences: [{ ...owner, controller: true, blockOwnerDeletion: true }] }),
    );
    expect(kept.body).toMatchObject({ metadata: { ownerReferences: [{ ...owner, controller: true }] } });
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
      expect((await api.post(api.own('agents'), agent('bad', {}, { ownerReferences }))).status).toBe(422);
    }
  },
};
