import { beforeEach, describe, expect, it } from 'vitest';
import { deployTasks, secrets } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { SharedCluster } from '../../test/kubernetes/shared.ts';
import { ConfigSecrets } from '../configs/config-secrets.ts';
import { TaskSecrets } from '../tasks/task-secrets.ts';
import { readCredential } from './read-credential.ts';
import type { Credential } from './read-credential.ts';

describe.skipIf(!hasCluster())('readCredential', () => {
  let cluster: SharedCluster;
  let made: TaskSecrets;

  beforeEach(async () => {
    cluster = await sharedCluster();
    made = new TaskSecrets(cluster.client, cluster.namespace);
  });

  const createTask = (name: string, host: string): Promise<DeployTask> =>
    cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { name },
      spec: { agent: 'a1', type: 'mysql', command: 'SELECT 1', params: { target: { host, secret_ref: name } } },
    });

  /** As an administrator, whom no assignment bounds. */
  const readAny = (task: DeployTask, ref: string): Promise<Credential> =>
    readCredential(cluster.client, task, { ref, caller: { agents: undefined }, epoch: undefined });

  it('gives no credentials of a task that was deleted without them to another of its name', async () => {
    const name = 'twice';
    await made.create({ namespace: cluster.namespace, name }, [{ name, data: { password: 'p4ss' } }]);
    const first = await createTask(name, 'db');
    // Not yet given to it, but its own.
    expect(await readAny(first, name)).toMatchObject({ data: { password: 'p4ss' } });
    await made.adopt(first, [name]);
    expect(await readAny(first, name)).toMatchObject({ data: { password: 'p4ss' } });
    // As `kubectl delete --cascade=orphan` does.
    await cluster.client.patch(secrets, cluster.namespace, name, { metadata: { ownerReferences: null } });
    await cluster.client.delete(deployTasks, cluster.namespace, name);
    const second = await createTask(name, 'evil');
    await expect(readAny(second, name)).rejects.toMatchObject({ code: 'SecretNotAllowed' });
    expect(await made.copyOf(second, [undefined, name])).toEqual({});
    // A create that is repeated, with the credentials, may.
    await made.create({ namespace: cluster.namespace, name }, [{ name, data: { password: 'p4ss' } }]);
    expect(await readAny(second, name)).toMatchObject({ data: { password: 'p4ss' } });
  });

  it('asks the API server whether the task is still assigned to the caller, at the epoch', async () => {
    const name = 'moved';
    await made.create({ namespace: cluster.namespace, name }, [{ name, data: { password: 'p4ss' } }]);
    const created = await createTask(name, 'db');
    const assign = (agent: string, epoch: number): Promise<DeployTask> => {
      const assignment = { agent, instance: 'i', epoch, time: new Date().toISOString() };
      const status = { state: 'Assigned', observedGeneration: 1, assignment };
      return cluster.client.patch(deployTasks, cluster.namespace, name, { status }, { subresource: 'status' });
    };
    const read = (known: DeployTask, agent: string, epoch: number | undefined): Promise<unknown> =>
      readCredential(cluster.client, known, { ref: name, caller: { agents: [agent] }, epoch });
    const refused = { code: 'NotAssigned' };
    await expect(read(created, 'a1', 1)).rejects.toMatchObject(refused);
    const first = await assign('a1', 1);
    expect(await read(first, 'a1', 1)).toMatchObject({ data: { password: 'p4ss' } });
    await expect(read(first, 'a1', undefined)).rejects.toMatchObject(refused);
    await expect(read(first, 'a2', 1)).rejects.toMatchObject(refused);
    await assign('a2', 2);
    // The copy that the API has may be old: it still says a1.
    await expect(read(first, 'a1', 1)).rejects.toMatchObject(refused);
    const back = await assign('a1', 3);
    await expect(read(back, 'a1', 1)).rejects.toMatchObject(refused);
    expect(await read(back, 'a1', 3)).toMatchObject({ data: { password: 'p4ss' } });
  });

  it('gives no credentials that were made for a source of syncs', async () => {
    const ref = await new ConfigSecrets(cluster.client, cluster.namespace).create('source', 's1', { passwd: 'p4ss' });
    const task = await cluster.client.create(deployTasks, cluster.namespace, {
      metadata: { name: 'thief' },
      spec: { agent: 'a1', type: 'mysql', command: 'SELECT 1', params: { target: { host: 'evil', secret_ref: ref } } },
    });
    await expect(readAny(task, ref)).rejects.toMatchObject({ code: 'SecretNotAllowed' });
  });
});
