import { beforeEach, describe, expect, it } from 'vitest';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { ConfigSecrets } from '../configs/config-secrets.ts';
import { CREDENTIAL_TYPE, TASK_LABEL } from '../tasks/task-secrets.ts';
import { readSyncCredential } from './read-sync-credential.ts';
import type { SyncCredentialRequest } from './read-sync-credential.ts';

describe.skipIf(!hasCluster())('readSyncCredential', () => {
  let cluster: SharedCluster;
  let sync: SyncTask;
  const [mine, other] = [{ agents: ['a1'] }, { agents: ['a2'] }];

  const createSecret = (name: string, labels = {}, type: string = CREDENTIAL_TYPE): Promise<unknown> =>
    cluster.client.create(secrets, cluster.namespace, {
      metadata: { name, labels },
      type,
      stringData: { user: 'u', passwd: `p4ss-${name}` },
    });

  const request = (ref: string, change: Partial<SyncCredentialRequest> = {}): SyncCredentialRequest => ({
    ...{ uid: sync.metadata.uid ?? '', namespace: cluster.namespace, name: 't1', ref, epoch: 1 },
    ...change,
  });

  const refused = async (caller: { agents: string[] }, asked: SyncCredentialRequest, code: string): Promise<void> => {
    const error = await readSyncCredential(cluster.client, caller, asked).catch((err: unknown) => err);
    expect(error).toMatchObject({ code });
    expect(String(error)).not.toContain('p4ss');
  };

  beforeEach(async () => {
    cluster = await sharedCluster();
    const ns = cluster.namespace;
    await createSecret('of-source');
    await createSecret('of-nobody');
    await cluster.client.create(syncSources, ns, {
      metadata: { name: 's1' },
      spec: { driver: 'mysql', uri: '127.0.0.1:3306', secret_ref: 'of-source' },
    });
    await cluster.client.create(syncPushers, ns, {
      metadata: { name: 'p1' },
      spec: { driver: 'openapi', endpoint: 'http://127.0.0.1:1', secret_ref: 'of-pusher' },
    });
    const created = await cluster.client.create(syncTasks, ns, {
      metadata: { name: 't1' },
      spec: { source: 's1', pusher: 'p1' },
    });
    const assignment = { agent: 'a1', instance: 'i1', epoch: 1, time: new Date().toISOString() };
    const patch = { status: { epoch: 1, assignment } };
    sync = await cluster.client.patch(syncTasks, ns, created.metadata.name, patch, { subresource: 'status' });
  });

  it('gives the agent of a sync what its source and its pusher name', async () => {
    expect(await readSyncCredential(cluster.client, mine, request('of-source'))).toEqual({
      data: { user: 'u', passwd: 'p4ss-of-source' },
      allowedHosts: null,
    });
    await refused(mine, request('of-pusher'), 'SecretNotFound');
    await createSecret('of-pusher', {}, 'Opaque');
    await refused(mine, request('of-pusher'), 'SecretNotAllowed');
    await cluster.client.delete(secrets, cluster.namespace, 'of-pusher');
    await createSecret('of-pusher', { [TASK_LABEL]: 'task-1' });
    await refused(mine, request('of-pusher'), 'SecretNotAllowed');
  });

  it('gives what was made for a source to its own syncs alone, and not to those of another of its name', async () => {
    const { client, namespace } = cluster;
    const made = new ConfigSecrets(client, namespace);
    const [ofS1, ofS2] = [
      await made.create('source', 's1', { user: 'u' }),
      await made.create('source', 's2', { user: 'u' }),
    ];
    const name = (ref: string): Promise<SyncSource> =>
      client.patch(syncSources, namespace, 's1', { spec: { secret_ref: ref } });
    const source = await name(ofS1);
    expect(await readSyncCredential(client, mine, request(ofS1))).toMatchObject({ data: { user: 'u' } });
    await made.adopt('SyncSource', source, ofS1);
    expect(await readSyncCredential(client, mine, request(ofS1))).toMatchObject({ data: { user: 'u' } });
    await client.patch(secrets, namespace, ofS1, {
      metadata: { ownerReferences: null, annotations: { 'tiangong.io/sync-config-uid': 'of-an-earlier-one' } },
    });
    await refused(mine, request(ofS1), 'SecretNotAllowed');
    await name(ofS2);
    await refused(mine, request(ofS2), 'SecretNotAllowed');
    await name('of-source');
  });

  it('gives nothing else, and nothing to anybody else', async () => {
    await refused(other, request('of-source'), 'NotAssigned');
    await refused(mine, request('of-source', { uid: 'another' }), 'NotAssigned');
    await refused(mine, request('of-source', { epoch: 2 }), 'NotAssigned');
    await refused(mine, request('of-source', { epoch: undefined }), 'NotAssigned');
    await refused(mine, request('of-source', { name: 'another' }), 'NotAssigned');
    await refused(mine, request('of-source', { name: '' }), 'NotAssigned');
    await refused(mine, request('of-source', { namespace: 'a/b' }), 'NotAssigned');
    await refused(mine, request('of-nobody'), 'SecretNotAllowed');
    await refused(mine, request(''), 'SecretNotAllowed');
  });
});
