import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';

interface AuditRecord {
  readonly seq: number;
  readonly action: string;
  readonly object: string;
  readonly uid?: string;
}

const KILLS = 3;
const CALLERS = 8;

describe.skipIf(!hasCluster())('the audit trail of an API that is killed', { timeout: 180_000 }, () => {
  let cluster: SharedCluster;
  let programs: Programs;

  beforeAll(async () => {
    cluster = await sharedCluster();
    programs = await startPrograms(cluster);
  });
  afterAll(() => programs?.stop());

  async function all(): Promise<AuditRecord[]> {
    const found: AuditRecord[] = [];
    for (;;) {
      const after = found.at(-1)?.seq ?? 0;
      const { records } = await programs.rest.get<{ records: AuditRecord[] }>(`/audit?limit=1000&after=${after}`);
      found.push(...records);
      if (records.length < 1000) return found;
    }
  }

  it('has every call that was answered, every task that was made, each once, and holds', async () => {
    const answered: string[] = [];
    let stopped = false;
    const caller = async (): Promise<void> => {
      while (!stopped) {
        const body = { agent_id: programs.agentName, type: 'shell', command: 'true' };
        const task = await programs.rest.post('/tasks', body).catch(() => undefined);
        if (task === undefined) await new Promise((resolve) => setTimeout(resolve, 50));
        else answered.push(task.id);
      }
    };
    const callers = Array.from({ length: CALLERS }, caller);
    for (let kill = 1; kill <= KILLS; kill += 1) {
      await vi.waitUntil(() => answered.length >= kill * 20, { timeout: 60_000, interval: 5 });
      await programs.api.kill();
      programs.api.start();
    }
    await vi.waitUntil(() => answered.length >= (KILLS + 1) * 20, { timeout: 60_000, interval: 5 });
    stopped = true;
    await Promise.all(callers);
    const tasks = await cluster.client.list(deployTasks, cluster.namespace);
    const uids = (tasks.items ?? []).map(({ metadata }) => metadata.uid ?? '');
    await vi.waitFor(
      async () => {
        // Tasks of other namespaces, which other tests make on the same cluster, are called `<namespace>:<name>`.
        const recorded = (await all()).filter(({ uid, object }) => uid !== undefined && !object.includes(':'));
        expect(recorded.map(({ uid }) => uid).sort()).toEqual([...uids].sort());
      },
      { timeout: 60_000, interval: 500 },
    );
    const made = (await all()).filter(({ action }) => action === 'createTask').map(({ object }) => object);
    expect(answered.filter((id) => !made.includes(`tasks/${id}`))).toEqual([]);
    expect(await programs.rest.get('/audit/verify')).toMatchObject({ intact: true });
  });
});
