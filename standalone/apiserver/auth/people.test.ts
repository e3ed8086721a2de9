import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { KubeClient, MergePatch } from '../../../kube/client.ts';
import { agents, deployTasks, secrets } from '../../../kube/resource.ts';
import type { DeployTask } from '../../../kube/types/deploytask.ts';
import type { User } from '../embedded-server.ts';
import { startTestServer, userNamed } from '../testing/test-server.ts';
import type { TestServer } from '../testing/test-server.ts';
import { PEOPLE } from './roles.ts';
import type { PersonRole } from './roles.ts';

const person = (name: string, role: PersonRole): User => ({
  name,
  groups: [PEOPLE[role].group, 'system:authenticated'],
});

describe('people on the embedded server', () => {
  let test: TestServer;
  let [viewer, editor, admin, api]: KubeClient[] = [];
  const create = (client: KubeClient | undefined, name: string, annotations: Record<string, string> = {}) =>
    client!.create(deployTasks, 'default', {
      metadata: { name, annotations },
      spec: { agent: 'local', type: 'mysql', command: 'DELETE FROM t', params: { approve: 'required' } },
    });
  const patch = (client: KubeClient | undefined, name: string, change: MergePatch): Promise<DeployTask> =>
    client!.patch(deployTasks, 'default', name, change);
  const refused = (call: Promise<unknown>, why: string): Promise<void> =>
    expect(call).rejects.toMatchObject({ code: 403, message: expect.stringContaining(why) as string });

  beforeEach(async () => {
    test = await startTestServer();
    viewer = test.client(person('victor', 'view'));
    editor = test.client(person('edith', 'edit'));
    admin = test.client(person('Edith', 'admin'));
    api = test.client(userNamed('api'));
  });
  afterEach(() => test?.stop());

  it('lets each role do what it is for, and no more', async () => {
    await refused(create(viewer, 'x'), 'User "victor" cannot create resource "deploytasks"');
    await create(editor, 'roles');
    expect((await viewer!.get(deployTasks, 'default', 'roles')).metadata.name).toBe('roles');
    await refused(viewer!.list(secrets, 'default'), 'cannot list resource "secrets"');
    await refused(admin!.list(secrets, 'default'), 'cannot list resource "secrets"');
    const status = { status: { state: 'Failed' } };
    for (const client of [editor, admin])
      await refused(
        client!.patch(deployTasks, 'default', 'roles', status, { subresource: 'status' }),
        'cannot patch resource "deploytasks/status"',
      );
    await editor!.delete(deployTasks, 'default', 'roles');
    await refused(editor!.patch(agents, 'default', 'a', { spec: { tags: [] } }), 'cannot patch resource "agents"');
    await expect(admin!.patch(agents, 'default', 'a', { spec: { tags: [] } })).rejects.toMatchObject({ code: 404 });
  });

  it('writes down who creates a task, whatever the manifest says', async () => {
    const marks = { 'tiangong.io/created-by': 'somebody', 'tiangong.io/approved-by': 'boss', other: 'kept' };
    const { metadata } = await create(editor, 'marked', marks);
    expect(metadata.annotations).toEqual({ 'tiangong.io/created-by': 'edith', other: 'kept' });
    expect(metadata.finalizers).toEqual(['tiangong.io/cleanup']);
    const by = (key: string): MergePatch => ({ metadata: { annotations: { [`tiangong.io/${key}`]: 'somebody' } } });
    await refused(patch(editor, 'marked', by('created-by')), 'created-by may not be changed');
    await refused(patch(editor, 'marked', { metadata: { annotations: null } }), 'created-by may not be changed');
    await refused(patch(editor, 'marked', by('approved-by')), 'is set with an approval');
    // The API speaks for its callers.
    expect((await create(api, 'by-api', marks)).metadata.annotations).toMatchObject(marks);
  });

  it('lets only approvers approve, and nobody a task of their own', async () => {
    const approval = { spec: { approved: true } };
    await create(editor, 'mine');
    const pending = { status: { state: 'Pending', observedGeneration: 1 } };
    await test.admin.patch(deployTasks, 'default', 'mine', pending, { subresource: 'status' });
    await refused(patch(editor, 'mine', approval), 'edith may not approve tasks');
    // As names are compared, that is the same person.
    await refused(patch(admin, 'mine', approval), 'nobody may approve a task of their own');
    const boss = test.client(person('boss', 'admin'));
    const approved = await patch(boss, 'mine', approval);
    expect(approved.metadata.annotations).toMatchObject({ 'tiangong.io/approved-by': 'boss' });
    // Once it is approved other changes go on as before.
    await patch(editor, 'mine', { spec: { cancel: true } });
  });

  it('lets no task approve another, by REST neither', async () => {
    await create(editor, 'by-task');
    const tasks = test.client(userNamed('tasks'));
    await refused(patch(tasks, 'by-task', { spec: { approved: true } }), 'tasks may not approve tasks');
  });

  it('lets no task name somebody else as the creator of another, who could then approve it', async () => {
    const tasks = test.client(userNamed('tasks'));
    const { metadata } = await create(tasks, 'of-a-task', { 'tiangong.io/created-by': 'edith' });
    expect(metadata.annotations).toEqual({ 'tiangong.io/created-by': 'tiangong:tasks' });
    await create(editor, 'of-edith');
    for (const key of ['created-by', 'approved-by']) {
      const forged: MergePatch = { metadata: { annotations: { [`tiangong.io/${key}`]: 'somebody' } } };
      await refused(patch(tasks, 'of-edith', forged), `tiangong.io/${key}`);
    }
    const attributes = { verb: 'approve', group: 'tiangong.io', resource: 'deploytasks', namespace: 'default' };
    const review = await api!.raw<{ status: { allowed: boolean } }>({
      method: 'POST',
      path: '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      body: JSON.stringify({
        apiVersion: 'authorization.k8s.io/v1',
        kind: 'SubjectAccessReview',
        spec: { user: 'tiangong:tasks', resourceAttributes: attributes },
      }),
    });
    expect(review.status.allowed).toBe(false);
  });
});
