import { beforeAll, describe, expect, it } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { ConfigSecrets } from '../configs/config-secrets.ts';
import { TaskSecrets } from '../tasks/task-secrets.ts';
import { readCredential } from './read-credential.ts';

describe.skipIf(!hasCluster())('readCredential', () => {
  let cluster: SharedCluster;
  let made: TaskSecrets;

  beforeAll(async () => {
    cluster = await sharedCluster();
    made = new TaskSecrets(cluster.client, cluster.namespace);
  });

  const createTask = (name: string, host: string): Promise<DeployTask> =>
    cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { name },
      spec: { agent: 'a1', type: 'mysql', command: 'SELECT 1', params: { target: { host, secret_ref: name } } },
    });

  it('gives no credentials of a task that was deleted without them to another of its name', async () => {
    const name = 'twice';
    await made.create({ namespace: cluster.namespace, name }, [{ name, data: { password: 'p4ss' } }]);
    const first = await createTask(name, 'db');
    // Not yet given to it, but its own.
    expect(await readCredential(cluster.client, first, name)).toMatchObject({ data: { password: 'p4ss' } });
    await made.adopt(first, [name]);
    expect(await readCredential(cluster.client, first, name)).toMatchObject({ data: { password: 'p4ss' } });
    // As `kubectl delete --cascade=orphan` does.
    await cluster.client.patch(secrets, cluster.namespace, name, { metadata: { ownerReferences: null } });
    await cluster.client.delete(deployTasks, cluster.namespace, name);
    const second = await createTask(name, 'evil');
    await expect(readCredential(cluster.client, second, name)).rejects.toMatchObject({ code: 'SecretNotAllowed' });
    expect(await made.copyOf(second, [undefined, name])).toEqual({});
    // A create that is repeated, with the credentials, may.
    await made.create({ namespace: cluster.namespace, name }, [{ name, data: { password: 'p4ss' } }]);
    expect(await readCredential(cluster.client, second, name)).toMatchObject({ data: { password: 'p4ss' } });
  });

  it('gives no credentials that were made for a source of syncs', async () => {
    const ref = await new ConfigSecrets(cluster.client, cluster.namespace).create('source', 's1', { passwd: 'p4ss' });
    const task = await cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { name: 'thief' },
      spec: { agent: 'a1', type: 'mysql', command: 'SELECT 1', params: { target: { host: 'evil', secret_ref: ref } } },
    });
    await expect(readCredential(cluster.client, task, ref)).rejects.toMatchObject({ code: 'SecretNotAllowed' });
  });
});
