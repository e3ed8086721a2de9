import { randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasCluster, sharedCluster } from '../kubernetes/shared.ts';
import { startPrograms } from '../programs/programs.ts';
import type { Programs } from '../programs/programs.ts';
import { TaskClient } from '../programs/task-client.ts';

const TIME = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
/** The manual's answers to a create have these fields, in this order. */
const FIELDS =
  'id agent_id type status command params file_id result error started_at finished_at created_at updated_at';

const anId = expect.stringMatching(/^task-/) as string;
const aTime = expect.stringMatching(TIME) as string;

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly headers: IncomingMessage['headers'];
  readonly body: string;
}

describe.skipIf(!hasCluster())("the manual's examples of shell and api tasks, questions and errors", () => {
  let programs: Programs;
  let tasks: TaskClient;
  /** Stands for api.example.com. */
  let target: Server;
  let targetUrl: string;
  const received: Received[] = [];

  beforeAll(async () => {
    programs = await startPrograms(await sharedCluster());
    tasks = new TaskClient(programs);
    target = createServer((request, response) => {
      const parts: Buffer[] = [];
      request.on('data', (part: Buffer) => parts.push(part));
      request.on('end', () => {
        const { method, url, headers } = request;
        received.push({ method, url, headers, body: Buffer.concat(parts).toString() });
        response.sendDate = false;
        const body = '{"id": 1, "name": "John Doe"}';
        response.writeHead(url === '/missing' ? 404 : 200, {
          'Content-Type': 'application/json',
          'Content-Length': body.length,
          Connection: 'close',
        });
        response.end(body);
      });
    });
    await new Promise<void>((resolve) => target.listen(0, '127.0.0.1', resolve));
    targetUrl = `http://127.0.0.1:${(target.address() as AddressInfo).port}`;
  });

  afterAll(async () => {
    target.close();
    await programs.stop();
  });

  describe('1. shell commands', () => {
    it('asynchronous: ls -la /tmp', async () => {
      const created = await tasks.create({ type: 'shell', command: 'ls -la /tmp', params: {} });
      expect(Object.keys(created).join(' ')).toBe(FIELDS);
      expect(created).toEqual({
        id: anId,
        agent_id: programs.agentName,
        type: 'shell',
        status: 'running',
        command: 'ls -la /tmp',
        params: '{}',
        file_id: '',
        result: '',
        error: '',
        started_at: null,
        finished_at: null,
        created_at: aTime,
        updated_at: aTime,
      });
      const task = await tasks.ended(created.id);
      expect(task).toMatchObject({ status: 'success', error: '', started_at: aTime, finished_at: aTime });
      expect(task.result).toMatch(/^total \d+\n/);
    });

    it('synchronous: echo Hello World', async () => {
      const task = await tasks.create({ type: 'shell', command: 'echo Hello World', sync: true, timeout: 30 });
      expect(Object.keys(task).join(' ')).toBe(FIELDS);
      expect(task).toEqual({
        id: anId,
        agent_id: programs.agentName,
        type: 'shell',
        status: 'success',
        command: 'echo Hello World',
        params: '{}',
        file_id: '',
        result: 'Hello World\n',
        error: '',
        started_at: aTime,
        finished_at: aTime,
        created_at: aTime,
        updated_at: aTime,
      });
    });

    it('synchronous, out of time: the task as it is, with a hint, and it goes on', async () => {
      const go = join(programs.folder, `go-${randomUUID()}`);
      const command = `while [ ! -e ${go} ]; do sleep 0.1; done; echo late`;
      const task = await tasks.create({ type: 'shell', command, sync: true, timeout: 1 });
      expect(task.status).toBe('running');
      expect(task.error).toMatch(/timeout/);
      writeFileSync(go, '');
      expect(await tasks.ended(task.id)).toMatchObject({ status: 'success', result: 'late\n', error: '' });
    });

    it('a command that fails', async () => {
      const task = await tasks.create({ type: 'shell', command: 'echo before; exit 3', sync: true });
      expect(task).toMatchObject({ status: 'failed', result: 'before\n', error: 'command failed: exit status 3' });
    });
  });

  describe('2. HTTP requests', () => {
    const lastReceived = (): Received | undefined => received.at(-1);

    it('GET with a header that is a credential', async () => {
      const params = { url: `${targetUrl}/users`, headers: { Authorization: 'Bearer token123' } };
      const task = await tasks.create({ type: 'api', command: 'GET', params, sync: true });
      expect(task.status, task.error).toBe('success');
      expect(task.result).toBe(
        'Status: 200 OK HTTP/1.1\nHeaders:\n  Content-Type: application/json\n  Content-Length: 29\n  Connection: close\n\n' +
          'Body:\n{"id": 1, "name": "John Doe"}',
      );
      expect(lastReceived()).toMatchObject({ method: 'GET', headers: { authorization: 'Bearer token123' } });
      expect(JSON.parse(task.params)).toEqual({ url: `${targetUrl}/users`, headers: { Authorization: '***' } });
      expect(JSON.stringify([task, await tasks.logs(task.id), programs.api.log])).not.toContain('token123');
    });

    it('POST of a JSON object', async () => {
      const params = {
        url: `${targetUrl}/users`,
        headers: { Authorization: 'Bearer token123', 'Content-Type': 'application/json' },
        body: { name: 'John Doe', email: 'john@example.com' },
      };
      const task = await tasks.create({ type: 'api', command: 'POST', params, sync: true });
      expect(task.status, task.error).toBe('success');
      expect(lastReceived()?.method).toBe('POST');
      expect(JSON.parse(lastReceived()?.body ?? '')).toEqual({ name: 'John Doe', email: 'john@example.com' });
    });

    it('POST of text', async () => {
      const params = { url: `${targetUrl}/data`, headers: { 'Content-Type': 'text/plain' }, body: 'raw string data' };
      const task = await tasks.create({ type: 'api', command: 'POST', params, sync: true });
      expect(task.status, task.error).toBe('success');
      expect(lastReceived()).toMatchObject({ body: 'raw string data', headers: { 'content-type': 'text/plain' } });
    });

    it('GET unless the method is given, as the curl example', async () => {
      const params = { url: `${targetUrl}/users/octocat`, headers: { 'User-Agent': 'Tiangong-Deploy' } };
      const created = await tasks.create({ type: 'api', params });
      expect(created).toMatchObject({ status: 'running', command: '' });
      expect((await tasks.ended(created.id)).status).toBe('success');
      expect(lastReceived()).toMatchObject({ method: 'GET', headers: { 'user-agent': 'Tiangong-Deploy' } });
    });

    it('an answer of 400 or more fails and keeps the result', async () => {
      const task = await tasks.create({ type: 'api', params: { url: `${targetUrl}/missing` }, sync: true });
      expect(task).toMatchObject({ status: 'failed', error: 'HTTP error: 404 Not Found' });
      expect(task.result).toMatch(/^Status: 404 Not Found HTTP\/1.1\n/);
    });
  });

  describe('6. questions about tasks', () => {
    it('6.1 the state of a task', async () => {
      const { id } = await tasks.create({ type: 'shell', command: 'ls -la /tmp', sync: true });
      const task = await tasks.get(id);
      expect(Object.keys(task).join(' ')).toBe(FIELDS);
      expect(task).toMatchObject({ id, agent_id: programs.agentName, type: 'shell', status: 'success', params: '{}' });
    });

    it('6.2 the log of a task', async () => {
      const { id } = await tasks.create({ type: 'shell', command: 'echo one; echo two >&2', sync: true });
      const lines = await tasks.logs(id, '?limit=100');
      for (const line of lines)
        expect(Object.keys(line).sort()).toEqual(['id', 'level', 'message', 'task_id', 'timestamp']);
      expect(lines.map((line) => line.id)).toEqual(lines.map((_, index) => index + 1));
      expect(lines.every((line) => line.task_id === id && TIME.test(line.timestamp))).toBe(true);
      const texts = lines.map(({ level, message }) => `${level} ${message}`);
      expect(texts).toContain('info Executing command: echo one; echo two >&2');
      expect(texts).toContain('info one');
      expect(texts).toContain('error two');
      expect(await tasks.logs(id, '?limit=1')).toEqual(lines.slice(0, 1));
    });
  });

  describe('6.2 the limit of a log', () => {
    it('is 1,000 lines unless the request says otherwise', async () => {
      const { id } = await tasks.create({ type: 'shell', command: 'seq 1 1500', sync: true });
      expect(await tasks.logs(id)).toHaveLength(1000);
      expect((await tasks.logs(id, '?limit=2000')).length).toBeGreaterThanOrEqual(1500);
    });
  });

  describe('7. errors', () => {
    it('an agent that is not there', async () => {
      const body = { agent_id: 'agent-123', type: 'shell', command: 'x' };
      expect(await tasks.refused(body)).toEqual({ status: 404, error: 'agent not found' });
    });

    it('a type that is not supported', async () => {
      const body = { agent_id: programs.agentName, type: 'nosuch', command: 'x' };
      expect(await tasks.refused(body)).toEqual({ status: 400, error: 'unsupported task type' });
    });

    it('an empty command', async () => {
      for (const command of ['', '  \n', undefined]) {
        const body = { agent_id: programs.agentName, type: 'shell', command };
        expect(await tasks.refused(body)).toEqual({ status: 400, error: 'command is empty' });
      }
    });

    it('a request without url', async () => {
      const body = { agent_id: programs.agentName, type: 'api', command: 'GET', params: {} };
      expect(await tasks.refused(body)).toEqual({ status: 400, error: 'url is required in params' });
    });

    it('a task that is not there', async () => {
      const response = await fetch(`${programs.rest.url}/api/v1/tasks/task-abc123`);
      expect(response.status).toBe(404);
      expect(await response.json()).toMatchObject({ error: 'task not found' });
    });
  });

  it('cancels a running command, and keeps what it had printed', async () => {
    const { id } = await tasks.create({ type: 'shell', command: 'echo begun; sleep 600' });
    await tasks.messages(id, /^begun$/m);
    expect(await programs.rest.post(`/tasks/${id}/cancel`)).toEqual({ message: 'task canceled' });
    expect(await tasks.ended(id)).toMatchObject({ status: 'canceled', result: 'begun\n' });
  });

  it('gives back results of any size and any bytes', async () => {
    const big = await tasks.create({ type: 'shell', command: "head -c 20000000 /dev/zero | tr '\\0' 'x'", sync: true });
    expect(big.status, big.error).toBe('success');
    expect(big.result.length).toBe(20_000_000);
    const bytes = await tasks.create({ type: 'shell', command: "printf 'a\\377b'", sync: true });
    expect(bytes.result).toBe('a\ufffdb');
    const raw = await fetch(`${programs.rest.url}/api/v1/tasks/${bytes.id}/result`);
    expect(Buffer.from(await raw.arrayBuffer()).toString('latin1')).toBe('a\xffb');
    const lines = await tasks.create({ type: 'shell', command: 'seq 1 50000', sync: true });
    const all = await tasks.logs(lines.id, '?limit=100000');
    expect(all.filter(({ message }) => /^\d+$/.test(message)).map(({ message }) => Number(message))).toEqual(
      Array.from({ length: 50_000 }, (_, index) => index + 1),
    );
  });
});
