import { hash, randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { Agent } from '../../agent/agent.ts';
import { AssignedTasks, eventually } from '../../agent/testing/assigned-tasks.ts';
import { ApiUnderTest } from '../api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';

const name = 'agent-1';

interface Task {
  readonly id: string;
  readonly status: string;
  readonly result: string;
  readonly error: string;
}

describe.skipIf(!hasCluster())('A real agent and a real API', () => {
  let cluster: SharedCluster;
  let api: ApiUnderTest;
  let tasks: AssignedTasks;
  let stateDir: string;
  let running: Promise<void>;
  const stop = new AbortController();

  beforeAll(async () => {
    cluster = await sharedCluster();
    api = await ApiUnderTest.start(cluster);
    stateDir = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
    tasks = new AssignedTasks(cluster.client, cluster.namespace, name);
    const agent = new Agent({
      client: cluster.clientFor(`agent/${name}`),
      name,
      namespace: cluster.namespace,
      stateDir,
      version: '1',
      api: { url: api.url, token: () => Promise.resolve(cluster.tokenFor(`agent/${name}`)) },
      drainMs: 0,
      logger: pino({ level: process.env['LOG_LEVEL'] ?? 'error' }),
    });
    running = agent.run(stop.signal);
    await tasks.instance();
    await api.setOnline(name, true, { taskTypes: ['shell', 'api', 'file'] });
    // The API refuses tasks for agents that it does not know as online yet.
    await eventually(async () => {
      const { body } = await api.call('GET', `/api/v1/agents/${name}/status`);
      return body['status'] === 'online' ? true : undefined;
    }, 'the API to know the agent');
  });

  afterAll(async () => {
    stop.abort();
    await running;
    await api.stop();
    rmSync(stateDir, { recursive: true, force: true });
  });

  /** Creates a task by REST, plays the operator, and gives the task as REST has it at its end. */
  async function run(body: object): Promise<Task> {
    const created = await api.call<Task>('POST', '/api/v1/tasks', { agent_id: name, ...body });
    expect(created.status, JSON.stringify(created.body)).toBe(201);
    return finish(created.body.id);
  }

  async function finish(id: string): Promise<Task> {
    await tasks.assign(await tasks.get(id));
    await tasks.ended(id);
    return eventually(async () => {
      const { body: task } = await api.call<Task & { result_pending?: boolean }>('GET', `/api/v1/tasks/${id}`);
      return ['success', 'failed'].includes(task.status) && task.result_pending !== true ? task : undefined;
    }, 'REST to have the whole result');
  }

  it('give back a large result whole, and all lines of a long log', async () => {
    const task = await run({ type: 'shell', command: 'seq 1 300000' });
    const expected = Array.from({ length: 300_000 }, (_, i) => `${i + 1}\n`).join('');
    expect([task.status, task.result.length, hash('sha256', task.result)]).toEqual([
      'success',
      expected.length,
      hash('sha256', expected),
    ]);
    const { body } = await api.call<{ id: number; message: string }[]>(
      'GET',
      `/api/v1/tasks/${task.id}/logs?limit=100000`,
    );
    expect(body.slice(0, 3).map(({ message }) => message)).toEqual([
      'Task started',
      'Executing command: seq 1 300000',
      '1',
    ]);
    expect(body).toHaveLength(100_000);
  });

  it('show the log of a task that is still running', async () => {
    const created = await api.call<Task>('POST', '/api/v1/tasks', {
      agent_id: name,
      type: 'shell',
      command: 'echo now; sleep 600',
    });
    const { id } = created.body;
    await tasks.assign(await tasks.get(id));
    await eventually(async () => {
      const { body } = await api.call<{ message: string }[]>('GET', `/api/v1/tasks/${id}/logs`);
      return body.some(({ message }) => message === 'now') ? true : undefined;
    }, 'the line');
    await api.call('POST', `/api/v1/tasks/${id}/cancel`);
    expect((await tasks.ended(id)).status?.state).toBe('Canceled');
  });

  it('run a command that is too long for a resource', async () => {
    const task = await run({ type: 'shell', command: `echo ${'y'.repeat(200_000)} | wc -c` });
    expect(task).toMatchObject({ status: 'success', result: '200001\n' });
  });

  it('send credentials that no resource shows', async () => {
    const server = createServer((request, response) => response.end(request.headers.authorization));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void server.close());
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const task = await run({
      type: 'api',
      command: 'GET',
      params: { url, headers: { Authorization: 'Bearer s3cret' } },
    });
    expect(task.result).toMatch(/Body:\nBearer s3cret$/);
    expect(JSON.stringify((await tasks.get(task.id)).spec)).not.toContain('s3cret');
  });

  describe('bring an uploaded file to the task that names it', () => {
    async function upload(fileName: string, bytes: Buffer<ArrayBuffer>): Promise<string> {
      const form = new FormData();
      form.set('file', new Blob([bytes]), fileName);
      const response = await fetch(`${api.url}/api/v1/files`, { method: 'POST', body: form });
      expect(response.status).toBe(201);
      return ((await response.json()) as { id: string }).id;
    }

    it('once for all tasks, whole, and under its own name', async () => {
      const bytes = randomBytes(5_000_000);
      const fileId = await upload('数据 1.bin', bytes);
      const command = 'basename "$TIANGONG_FILE"; sha256sum < "$TIANGONG_FILE"; : > "$TIANGONG_FILE"';
      for (let round = 0; round < 2; round += 1) {
        const task = await run({ type: 'shell', command, file_id: fileId });
        expect(task).toMatchObject({ status: 'success', result: `数据 1.bin\n${hash('sha256', bytes)}  -\n` });
        const { body } = await api.call<{ message: string }[]>('GET', `/api/v1/tasks/${task.id}/logs`);
        const fetched = body.filter(({ message }) => message.includes('was fetched'));
        expect(fetched).toHaveLength(round === 0 ? 1 : 0);
      }
    });

    it('at the place that a distribution names, and not when another file lies there under its id', async () => {
      const bytes = randomBytes(100_000);
      const fileId = await upload('plan.sql', bytes);
      mkdirSync(join(stateDir, 'work/tmp'), { recursive: true });
      writeFileSync(join(stateDir, 'work/tmp', fileId), randomBytes(100_000));
      const path = join(stateDir, 'work/here/plan.sql');
      const distribute = async (target: string): Promise<Task> => {
        const { body } = await api.call<{ tasks: { task_id: string }[] }>(
          'POST',
          `/api/v1/files/${fileId}/distribute`,
          {
            agent_ids: [name],
            path: target,
          },
        );
        return finish(body.tasks[0]!.task_id);
      };
      expect(await distribute('here/')).toMatchObject({ status: 'success', result: `File copied to ${path}` });
      expect(readFileSync(path).equals(bytes)).toBe(true);
      const again = await distribute('');
      expect(again.result).toBe(`File copied to ${join(stateDir, 'work/tmp', fileId)}`);
      expect(readFileSync(join(stateDir, 'work/tmp', fileId)).equals(bytes)).toBe(true);
    });
  });
});
