import { Blob } from 'node:buffer';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { approvalDigest } from '../../kube/task-digest.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask, DeployTaskSpec } from '../../kube/types/deploytask.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import type { RestTask } from '../programs/rest-client.ts';
import type { ServerPlace } from './places.ts';

const SOON = { timeout: 60_000, interval: 50 };
const approve = 'required' as const;

/** What people try with tasks that need approval, on operator, API and agent as processes of their own. */
export function describeApproval(name: string, open: () => Promise<ServerPlace>): void {
  describe(`tasks that need approval, on ${name}`, { timeout: 180_000 }, () => {
    let place: ServerPlace;
    let programs: Programs;
    let serial = 0;

    beforeAll(async () => {
      place = await open();
      programs = await startPrograms(place);
    });
    afterAll(async () => {
      await programs?.stop();
      await place?.stop();
    });

    const read = (id: string): Promise<DeployTask> => place.client.get(deployTasks, place.namespace, id);
    const reasonOf = (task: DeployTask): string | undefined =>
      task.status?.conditions?.find(({ type }) => type === 'Succeeded')?.reason;
    const reach = async (id: string, reason: string): Promise<DeployTask> => {
      await vi.waitUntil(async () => reasonOf(await read(id)) === reason, SOON);
      return read(id);
    };
    const ended = async (id: string): Promise<DeployTask> => {
      await vi.waitUntil(async () => isFinished(await read(id)), SOON);
      return read(id);
    };
    /** What the task's command leaves behind when it runs. */
    const trace = (): { path: string; command: string } => {
      const path = join(programs.folder, `ran-${(serial += 1)}`);
      return { path, command: `echo x >> ${path}; wc -l < ${path}` };
    };
    const post = (command: string, extra: object = {}): Promise<RestTask & { approval_digest?: string }> =>
      programs.rest.post('/tasks', {
        ...{ agent_id: programs.agentName, type: 'shell', command, params: { approve } },
        ...extra,
      });
    const apply = async (spec: Partial<DeployTaskSpec>): Promise<string> => {
      const metadata = { name: `applied-${(serial += 1)}` };
      const body = { agent: programs.agentName, type: 'shell' as const, params: { approve }, ...spec };
      return (await place.client.create(deployTasks, place.namespace, { metadata, spec: body })).metadata.name;
    };
    const patch = (id: string, spec: object): Promise<DeployTask> =>
      place.client.patch(deployTasks, place.namespace, id, { spec });
    const approveByRest = (id: string, digest?: string): Promise<RestTask> =>
      programs.rest.post(`/tasks/${id}/approve`, { digest });

    it('run after a call of REST, once, and what ran is what was approved', async () => {
      const { path, command } = trace();
      const { id, status, approval_digest: digest } = await post(command, { sync: true });
      expect(status).toBe('pending');
      await reach(id, 'AwaitingApproval');
      expect(existsSync(path)).toBe(false);
      await Promise.all([approveByRest(id, digest), approveByRest(id, digest)]);
      const task = await ended(id);
      expect(task.status).toMatchObject({ state: 'Succeeded', result: { text: '1\n' }, approval: { digest } });
      await expect(approveByRest(id)).rejects.toThrow(/409.*TaskNotAwaitingApproval/);
    });

    it('run after a patch by kubectl, which cannot be taken back', async () => {
      const id = await apply({ command: 'echo approved' });
      await reach(id, 'AwaitingApproval');
      await patch(id, { approved: true });
      await expect(patch(id, { approved: false })).rejects.toMatchObject({ code: 422 });
      await expect(patch(id, { approved: null })).rejects.toMatchObject({ code: 422 });
      await expect(patch(id, { command: 'echo other' })).rejects.toMatchObject({ code: 422 });
      expect((await ended(id)).status).toMatchObject({ state: 'Succeeded', result: { text: 'approved\n' } });
    });

    it('are not created approved, nor approved by a wrong digest', async () => {
      await expect(apply({ command: 'true', approved: true })).rejects.toMatchObject({ code: 422 });
      const { id } = await post('true');
      const wrong = approvalDigest({ type: 'shell', command: 'false' });
      await expect(approveByRest(id, wrong)).rejects.toThrow(/409.*ApprovalMismatch/);
      expect((await reach(id, 'AwaitingApproval')).spec.approved).toBeUndefined();
    });

    it('are canceled and deleted while they wait, without having run', async () => {
      const { path, command } = trace();
      const [canceled, deleted] = [await post(command), await post(command)];
      for (const { id } of [canceled, deleted]) await reach(id, 'AwaitingApproval');
      await programs.rest.post(`/tasks/${canceled.id}/cancel`);
      expect((await ended(canceled.id)).status?.state).toBe('Canceled');
      await expect(approveByRest(canceled.id)).rejects.toThrow(/409/);
      await programs.rest.delete(`/tasks/${deleted.id}`);
      await expect.poll(() => read(deleted.id).catch(() => undefined), SOON).toBeUndefined();
      expect(existsSync(path)).toBe(false);
    });

    it('wait on while the operator is restarted, and run once when it was away at the approval', async () => {
      const { command } = trace();
      const [before, meanwhile] = [await post(command), await post(command)];
      for (const { id } of [before, meanwhile]) await reach(id, 'AwaitingApproval');
      await programs.operator.kill();
      await approveByRest(meanwhile.id).finally(() => programs.operator.start());
      expect((await ended(meanwhile.id)).status).toMatchObject({ state: 'Succeeded', result: { text: '1\n' } });
      expect(reasonOf(await read(before.id))).toBe('AwaitingApproval');
      await approveByRest(before.id);
      expect((await ended(before.id)).status).toMatchObject({ state: 'Succeeded', result: { text: '2\n' } });
    });

    it('run once their agent is back, when it was away at the approval', async () => {
      const { command } = trace();
      const { id } = await post(command);
      await reach(id, 'AwaitingApproval');
      await programs.agent.stop();
      let approval: NonNullable<DeployTask['status']>['approval'];
      try {
        await vi.waitUntil(
          async () => (await programs.rest.get(`/agents/${programs.agentName}/status`))['status'] === 'offline',
          SOON,
        );
        await approveByRest(id);
        ({ approval } = (await reach(id, 'AgentOffline')).status ?? {});
        expect(approval?.digest).toMatch(/^sha256:/);
      } finally {
        programs.agent.start();
      }
      expect((await ended(id)).status).toMatchObject({ state: 'Succeeded', result: { text: '1\n' }, approval });
    });

    it('run with the very bytes of their file, or not at all', async () => {
      const run = (sql: string): Blob => new Blob([sql]);
      const file = await programs.rest.upload('a.sh', run(`first ${serial}`));
      const { id } = await post('cat "$TIANGONG_FILE"', { file_id: file.id });
      await reach(id, 'AwaitingApproval');
      await expect(programs.rest.delete(`/files/${file.id}`)).rejects.toThrow(/409.*FileInUse/);
      // The same name with other bytes is another file.
      const other = await programs.rest.upload('a.sh', run(`second ${serial}`));
      expect(other.id).not.toBe(file.id);
      await approveByRest(id);
      expect((await ended(id)).status).toMatchObject({ state: 'Succeeded', result: { text: `first ${serial}` } });

      const lies = await apply({ command: 'cat "$TIANGONG_FILE"', fileId: other.id, fileSha256: 'a'.repeat(64) });
      await reach(lies, 'AwaitingApproval');
      await patch(lies, { approved: true });
      const { status } = await ended(lies);
      expect(status?.state).toBe('Failed');
      expect(status?.error).toMatch(/not the one that the task was made for/);
    });

    it('are refused by the agent when somebody forged the word of the operator', async () => {
      const { path, command } = trace();
      const id = await apply({ command });
      await reach(id, 'AwaitingApproval');
      await programs.operator.kill();
      try {
        await patch(id, { approved: true });
        const { metadata } = await read(id);
        const lease = await programs.rest.get(`/agents/${programs.agentName}`);
        expect(lease['status']).toBe('online');
        const agent = await place.client.raw<{ status: { instance: string } }>({
          ...{
            method: 'GET',
            path: `/apis/tiangong.io/v1alpha1/namespaces/${place.namespace}/agents/${programs.agentName}`,
          },
        });
        const status = {
          state: 'Assigned',
          assignment: { agent: programs.agentName, instance: agent.status.instance, epoch: 1 },
          approval: { digest: `sha256:${'0'.repeat(64)}`, time: new Date().toISOString() },
        };
        await place.client.patch(deployTasks, place.namespace, metadata.name, { status }, { subresource: 'status' });
        const { status: end } = await ended(id);
        expect(end?.state).toBe('Failed');
        expect(reasonOf(await read(id))).toBe('ApprovalMismatch');
        expect(existsSync(path)).toBe(false);
      } finally {
        programs.operator.start();
      }
    });
  });
}
