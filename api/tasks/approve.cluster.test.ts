import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { approvalDigest } from '../../kube/task-digest.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from './task-view.ts';

const basic = (user: string): Record<string, string> => ({
  authorization: `Basic ${Buffer.from(`${user}:secret-of-${user}`).toString('base64')}`,
});
const approve = 'required';

describe.skipIf(!hasCluster())('POST /tasks/{id}/approve', () => {
  let api: ApiUnderTest;

  /** A task that waits, as the operator would have it. */
  async function waiting(body: object = {}, headers: Record<string, string> = {}): Promise<TaskView> {
    const created = await api.call<TaskView>(
      'POST',
      '/api/v1/tasks',
      { agent_id: 'a1', type: 'shell', command: 'true', params: { approve }, ...body },
      headers,
    );
    expect(created.status).toBe(201);
    await api.patchStatus(created.body.id, { state: 'Pending', observedGeneration: 1 });
    return created.body;
  }
  const post = (id: string, body?: object, headers?: Record<string, string>): Promise<Answer<TaskView>> =>
    api.call<TaskView>('POST', `/api/v1/tasks/${id}/approve`, body, headers);

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.addAgent('a1');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it.each([{}, { sync: true, timeout: 300 }])(
    'answers the create at once, as pending, with a hint: %j',
    async (more) => {
      const { status, error, id, approval_digest } = await waiting(more);
      expect(status).toBe('pending');
      expect(error).toContain(`POST /api/v1/tasks/${id}/approve`);
      const { spec } = await api.task(id);
      expect(approval_digest).toBe(approvalDigest(spec));
    },
  );

  it('shows the digest while the task waits, and no longer', async () => {
    const { id, approval_digest: digest } = await waiting({
      command: 'x'.repeat(100_000),
      params: { approve, cwd: '/' },
    });
    const shown = async (): Promise<TaskView> => (await api.call<TaskView>('GET', `/api/v1/tasks/${id}`)).body;
    expect(await shown()).toMatchObject({ status: 'pending', error: '', approval_digest: digest });
    expect((await post(id, { digest })).status).toBe(200);
    await expect.poll(async () => (await shown()).approval_digest).toBeUndefined();
  });

  it('approves once, and says so again to who did it', async () => {
    const { id, approval_digest: digest } = await waiting();
    const bob = await post(id, { digest }, basic('bob'));
    expect(bob).toMatchObject({ status: 200, body: { id, status: 'pending' } });
    const { spec, metadata } = await api.task(id);
    expect(spec.approved).toBe(true);
    expect(metadata.annotations?.['tiangong.io/approved-by']).toBe('user:bob');
    expect((await post(id, { digest }, basic('bob'))).status).toBe(200);
    expect(await post(id, { digest }, basic('carol'))).toMatchObject({
      status: 409,
      body: { code: 'TaskNotAwaitingApproval', error: expect.stringContaining('somebody else') as string },
    });
  });

  it('lets one of many approvers at once be the one', async () => {
    const { id } = await waiting();
    const answers = await Promise.all(Array.from({ length: 6 }, (_, n) => post(id, {}, basic(`user${n}`))));
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409, 409, 409]);
    const by = (await api.task(id)).metadata.annotations?.['tiangong.io/approved-by'];
    expect(by).toBe(`user:user${answers.findIndex(({ status }) => status === 200)}`);
  });

  it('takes no digest but that of the task', async () => {
    const { id } = await waiting();
    const digest = `sha256:${'0'.repeat(64)}`;
    expect(await post(id, { digest })).toMatchObject({ status: 409, body: { code: 'ApprovalMismatch' } });
    expect(await post(id, { digest: 'sha256:xyz' })).toMatchObject({ status: 400, body: { code: 'InvalidRequest' } });
    expect((await api.task(id)).spec.approved).toBeUndefined();
  });

  it('lets no creator approve, with a new password neither, nor one who hides', async () => {
    const { id } = await waiting({}, basic('alice'));
    const renewed = { authorization: `Basic ${Buffer.from('alice:another').toString('base64')}` };
    for (const headers of [basic('alice'), basic('ALICE'), renewed, {}])
      expect(await post(id, {}, headers)).toMatchObject({ status: 403, body: { code: 'ApproverNotAllowed' } });
    expect((await post(id, undefined, basic('bob'))).status).toBe(200);
    const { metadata } = await api.task(id);
    expect(metadata.annotations).toMatchObject({ 'tiangong.io/created-by': 'user:alice' });
    expect(JSON.stringify(metadata) + api.log.join('')).not.toContain('secret-of-');
  });

  it('takes an approval without identities where the creator had none', async () => {
    const { id } = await waiting();
    expect((await post(id)).status).toBe(200);
  });

  it.each<[string, (id: string) => Promise<unknown>]>([
    ['has ended', (id) => api.finish(id, 'Canceled')],
    ['is being canceled', (id) => api.client.patch(deployTasks, api.namespace, id, { spec: { cancel: true } })],
    ['is being deleted', (id) => api.call('DELETE', `/api/v1/tasks/${id}`)],
  ])('approves nothing that %s', async (_what, change) => {
    const { id } = await waiting();
    await change(id);
    expect(await post(id)).toMatchObject({ status: 409, body: { code: 'TaskNotAwaitingApproval' } });
  });

  it('approves nothing that needs no approval or is not there', async () => {
    const { id } = await waiting({ params: {} });
    expect(await post(id)).toMatchObject({ status: 409, body: { code: 'TaskNotAwaitingApproval' } });
    expect(await post('task-nosuch')).toMatchObject({ status: 404, body: { code: 'TaskNotFound' } });
    expect((await api.call('GET', `/api/v1/tasks/${id}/approve`)).status).toBe(405);
  });

  it('waits a moment for the operator to see a new task', async () => {
    const { body } = await api.call<TaskView>('POST', '/api/v1/tasks', {
      ...{ agent_id: 'a1', type: 'shell', command: 'true', params: { approve } },
    });
    const answer = post(body.id);
    await api.patchStatus(body.id, { state: 'Pending' });
    expect((await answer).status).toBe(200);
  });

  it('keeps the digest of the file with the task, whatever happens to the file', async () => {
    const form = new FormData();
    form.append('file', new Blob(['DELETE FROM t;']), 'a.sql');
    const { id: fileId } = (await (await fetch(`${api.url}/api/v1/files`, { method: 'POST', body: form })).json()) as {
      id: string;
    };
    const { id } = await waiting({ file_id: fileId });
    expect((await api.task(id)).spec.fileSha256).toMatch(/^[0-9a-f]{64}$/);
    await expect
      .poll(async () => (await api.call('DELETE', `/api/v1/files/${fileId}`)).body)
      .toMatchObject({ code: 'FileInUse' });
    expect((await post(id)).status).toBe(200);
  });

  it.each<[string, object, RegExp]>([
    ['a path on the agent', { params: { approve, file_path: '/tmp/x.sh' } }, /file_path/],
    ['an approval of another kind', { params: { approve: 'yes' } }, /approve/],
    ['a review of a shell command', { params: { review: 'only' } }, /review is for tasks of type mysql and doris/],
    ['a ledger of a shell command', { params: { exec_options: { ledger: true } } }, /ledger/],
    ['a rollback of its own making', { params: { rollback_of: 'task-1' } }, /rollback_of/],
  ])('creates nothing with %s', async (_what, change, text) => {
    const body = { agent_id: 'a1', type: 'shell', command: 'true', ...change };
    const answer = await api.call('POST', '/api/v1/tasks', body);
    expect(answer).toMatchObject({ status: 400, body: { error: expect.stringMatching(text) as string } });
  });
});
