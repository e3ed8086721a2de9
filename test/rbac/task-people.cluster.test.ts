import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { KubeClient } from '../../kube/client.ts';
import { deployTasks } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease, userName } from './release.ts';
import type { Release } from './release.ts';

const CREATED_BY = 'tiangong.io/created-by';
const APPROVED_BY = 'tiangong.io/approved-by';

describe.skipIf(!hasCluster() || !hasHelm())('who made a task and who approved it', () => {
  let cluster: Cluster;
  /** On a server that mutates by policies, and as if on one that does not. */
  let release: Release;
  let older: Release;
  let count = 0;

  beforeAll(async () => {
    cluster = await startCluster();
    release = await installRelease(cluster, 'home');
    older = await installRelease(cluster, 'older', { policies: { mutating: false } });
  });
  afterAll(() => cluster?.stop());

  const rolesIn = ({ home }: Release, role: string): Record<string, string> => ({ [home]: `tiangong.${home}.${role}` });

  const approver = (where: Release, name: string): Promise<KubeClient> => where.person(name, rolesIn(where, 'admin'));

  type TaskToCreate = Pick<DeployTask, 'metadata' | 'spec'>;

  function newTask(annotations?: Record<string, string>, needsApproval = false): TaskToCreate {
    return {
      metadata: { name: `task-${(count += 1)}`, ...(annotations && { annotations }) },
      spec: {
        ...{ agent: 'a', type: 'shell', command: 'x' },
        ...(needsApproval && { params: { approve: 'required' } }),
      },
    };
  }

  const createIn = (client: KubeClient, namespace: string, task: TaskToCreate): Promise<DeployTask> =>
    client.create(deployTasks, namespace, task);

  const edit = (client: KubeClient, { metadata }: DeployTask, patch: object): Promise<DeployTask> =>
    client.patch(deployTasks, metadata.namespace, metadata.name, patch as Record<string, unknown>);

  /** A task that waits for its approval: the operator has seen it. */
  async function waiting(
    where: Release,
    creator: KubeClient,
    annotations?: Record<string, string>,
  ): Promise<DeployTask> {
    const task = await createIn(creator, where.home, newTask(annotations, true));
    const operator = await where.component('operator');
    const status = { status: { state: 'Pending' } };
    return operator.patch(deployTasks, where.home, task.metadata.name, status, { subresource: 'status' });
  }

  it('is written by the API server: the creator, and a finalizer', async () => {
    const editor = await release.person('jo', rolesIn(release, 'edit'));
    const task = await createIn(editor, 'home', newTask());
    expect(task.metadata).toMatchObject({
      annotations: { [CREATED_BY]: userName('jo') },
      finalizers: ['tiangong.io/cleanup'],
    });
  });

  it('is overwritten where the writer gives another, and adds to what else there is', async () => {
    const editor = await release.person('jo', rolesIn(release, 'edit'));
    const { metadata, spec } = newTask({ [CREATED_BY]: 'the boss', team: 'a' });
    const forged = { metadata: { ...metadata, finalizers: ['example.com/own', 'tiangong.io/cleanup'] }, spec };
    expect((await createIn(editor, 'home', forged)).metadata).toMatchObject({
      annotations: { [CREATED_BY]: userName('jo'), team: 'a' },
      finalizers: ['example.com/own', 'tiangong.io/cleanup'],
    });
  });

  it('names a file only if its creator may read that file by REST', async () => {
    const editor = await release.person('filer', rolesIn(release, 'edit'));
    const withFile = (): TaskToCreate => {
      const task = newTask();
      return { ...task, spec: { ...task.spec, fileId: 'file-1' } };
    };
    expect((await createIn(editor, 'home', withFile())).spec.fileId).toBe('file-1');
    // Files are of the home namespace, wherever the task is.
    const guest = await release.person('guest', { [release.watched]: 'tiangong.home.edit' });
    expect((await createIn(guest, release.watched, newTask())).metadata.name).toBeDefined();
    await expect(createIn(guest, release.watched, withFile())).rejects.toThrow(
      `${userName('guest')} may not read file file-1: that needs the verb get on files of group tiangong.io in namespace home`,
    );
  });

  it('is what the API says of its callers', async () => {
    const api = await release.component('api');
    const task = await createIn(api, 'home', newTask({ [CREATED_BY]: 'ann' }));
    expect(task.metadata.annotations).toEqual({ [CREATED_BY]: 'ann' });
    expect(task.metadata.finalizers).toBeUndefined();
  });

  it('may be changed by nobody later', async () => {
    const task = await createIn(release.admin, 'home', newTask());
    for (const value of ['someone else', null])
      for (const client of [release.admin, await release.component('api')])
        await expect(edit(client, task, { metadata: { annotations: { [CREATED_BY]: value } } })).rejects.toThrow(
          'tiangong.io/created-by may not be changed',
        );
    await expect(edit(release.admin, task, { spec: { priority: 7 } })).resolves.toBeDefined();
  });

  it('lets those approve who have the verb, and writes down who it was', async () => {
    const task = await waiting(release, release.admin);
    const editor = await release.person('jo', rolesIn(release, 'edit'));
    await expect(edit(editor, task, { spec: { approved: true } })).rejects.toThrow(
      `${userName('jo')} may not approve tasks: that needs the verb approve on deploytasks`,
    );
    const approved = await edit(await approver(release, 'kim'), task, { spec: { approved: true } });
    expect(approved.metadata.annotations?.[APPROVED_BY]).toBe(userName('kim'));
  });

  it('lets nobody approve a task of their own', async () => {
    const kim = await approver(release, 'kim');
    const task = await waiting(release, kim);
    await expect(edit(kim, task, { spec: { approved: true } })).rejects.toThrow(
      'nobody may approve a task of their own',
    );
    const byApi = await waiting(release, await release.component('api'), { [CREATED_BY]: userName('KIM') });
    await expect(edit(kim, byApi, { spec: { approved: true } })).rejects.toThrow('a task of their own');
    await expect(edit(await approver(release, 'lee'), task, { spec: { approved: true } })).resolves.toBeDefined();
  });

  it('takes no name of an approver but with an approval, and only their own', async () => {
    const task = await waiting(release, release.admin);
    const lee = await approver(release, 'lee');
    const named = { metadata: { annotations: { [APPROVED_BY]: 'the boss' } } };
    await expect(edit(lee, task, named)).rejects.toThrow('tiangong.io/approved-by is set with an approval');
    await expect(createIn(lee, 'home', newTask({ [APPROVED_BY]: 'the boss' }))).rejects.toThrow('approved-by is set');
    const approved = await edit(lee, task, { ...named, spec: { approved: true } });
    expect(approved.metadata.annotations?.[APPROVED_BY]).toBe(userName('lee'));
    await expect(edit(lee, task, named)).rejects.toThrow('tiangong.io/approved-by is set with an approval');
  });

  it('lets the API approve for its callers', async () => {
    const api = await release.component('api');
    const task = await waiting(release, release.admin);
    const patch = { metadata: { annotations: { [APPROVED_BY]: 'ann' } }, spec: { approved: true } };
    expect((await edit(api, task, patch)).metadata.annotations?.[APPROVED_BY]).toBe('ann');
  });

  it('stays with objects that are applied again and again', async () => {
    const editor = await release.person('jo', rolesIn(release, 'edit'));
    const manifest = {
      apiVersion: 'tiangong.io/v1alpha1',
      kind: 'DeployTask',
      metadata: { name: 'applied', annotations: { team: 'a' } },
      spec: { agent: 'a', type: 'shell', command: 'x' },
    };
    for (const team of ['a', 'b', 'c']) {
      const applied = await editor.raw<DeployTask>({
        method: 'PATCH',
        path: '/apis/tiangong.io/v1alpha1/namespaces/home/deploytasks/applied?fieldManager=gitops',
        contentType: 'application/apply-patch+yaml',
        body: JSON.stringify({ ...manifest, metadata: { name: 'applied', annotations: { team } } }),
      });
      expect(applied.metadata).toMatchObject({
        annotations: { team, [CREATED_BY]: userName('jo') },
        finalizers: ['tiangong.io/cleanup'],
      });
    }
  });

  describe('on a Kubernetes without MutatingAdmissionPolicy', () => {
    it('is said by the API alone', async () => {
      const api = await older.component('api');
      const editor = await older.person('jo', rolesIn(older, 'edit'));
      await expect(createIn(editor, 'older', newTask({ [CREATED_BY]: userName('jo') }))).rejects.toThrow(
        'tiangong.io/created-by is set by the API alone',
      );
      expect((await createIn(api, 'older', newTask({ [CREATED_BY]: 'ann' }))).metadata.annotations).toBeDefined();
      expect((await createIn(editor, 'older', newTask())).metadata.annotations).toBeUndefined();
    });

    it('has tasks that need an approval come by the API, so that their creator is known', async () => {
      const kim = await approver(older, 'kim');
      await expect(waiting(older, kim)).rejects.toThrow('it has to be created by REST');
      const task = await waiting(older, await older.component('api'), { [CREATED_BY]: userName('kim') });
      const lee = await approver(older, 'lee');
      await expect(edit(lee, task, { spec: { approved: true } })).rejects.toThrow(
        `the annotation tiangong.io/approved-by must be who approves: ${userName('lee')}`,
      );
      const patch = (name: string): object => ({
        metadata: { annotations: { [APPROVED_BY]: userName(name) } },
        spec: { approved: true },
      });
      await expect(edit(kim, task, patch('kim'))).rejects.toThrow('nobody may approve a task of their own');
      await expect(edit(lee, task, patch('kim'))).rejects.toThrow('must be who approves');
      await expect(edit(lee, task, patch('lee'))).resolves.toBeDefined();
    });
  });
});
