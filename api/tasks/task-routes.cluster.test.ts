import { setTimeout as sleep } from 'node:timers/promises';
import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import type { TaskView } from './task-view.ts';

const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$/;
const FIELDS =
  'id agent_id type status command params file_id result error started_at finished_at created_at updated_at';

describe.skipIf(!hasCluster())('the routes of tasks', () => {
  let api: ApiUnderTest;
  const create = async (body: object = {}, headers: Record<string, string> = {}): Promise<TaskView> => {
    const answer = await api.call<TaskView>(
      'POST',
      '/api/v1/tasks',
      { agent_id: 'a1', type: 'shell', command: 'echo hi', ...body },
      headers,
    );
    expect(answer.body).toMatchObject({ id: expect.any(String) as string });
    return answer.body;
  };

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.addAgent('a1');
    await api.addAgent('off');
    await api.setOnline('off', false);
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('answers an asynchronous create with the thirteen fields of the manual and status running', async () => {
    const { status, headers, body } = await api.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'a1',
      type: 'shell',
      command: 'ls -la /tmp',
      params: {},
    });
    expect(status).toBe(201);
    expect(Object.keys(body).join(' ')).toBe(FIELDS);
    expect(body).toEqual({
      id: expect.stringMatching(/^task-[0-9a-z]{26}$/) as string,
      agent_id: 'a1',
      type: 'shell',
      status: 'running',
      command: 'ls -la /tmp',
      params: '{}',
      file_id: '',
      result: '',
      error: '',
      started_at: null,
      finished_at: null,
      created_at: expect.stringMatching(RFC3339) as string,
      updated_at: expect.stringMatching(RFC3339) as string,
    });
    expect(headers.get('location')).toBe(`/api/v1/tasks/${body.id}`);
    const { spec, metadata } = await api.task(body.id);
    expect(metadata.finalizers).toEqual(['tiangong.io/cleanup']);
    expect(spec).toMatchObject({ agent: 'a1', startDeadlineSeconds: 600, ttlSecondsAfterFinished: 604_800 });
  });

  it('answers a synchronous create once the task has ended', async () => {
    const command = `sync me ${ulid()}`;
    const answer = api.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'a1',
      type: 'shell',
      command,
      sync: true,
    });
    const task = await vi.waitFor(async () => {
      const { items } = await api.client.list(deployTasks, api.namespace);
      const found = items.find(({ spec }) => spec.command === command);
      expect(found).toBeDefined();
      return found;
    });
    const name = task?.metadata.name ?? '';
    await api.run(name, 'a1');
    await api.finish(name, 'Succeeded', { result: { text: 'Hello World\n', bytes: 12 }, exitCode: 0 });
    const { status, body } = await answer;
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: name, status: 'success', result: 'Hello World\n', error: '' });
    expect(body.started_at).toMatch(RFC3339);
    expect(body.finished_at).toMatch(RFC3339);
  });

  it('answers a synchronous create whose time has run out with the task as it is and a hint', async () => {
    const { status, body } = await api.call<TaskView>('POST', '/api/v1/tasks', {
      agent_id: 'a1',
      type: 'shell',
      command: 'sleep 5',
      sync: true,
      timeout: -7,
    });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      status: 'pending',
      error: expect.stringMatching(/timeout after 1 seconds/) as string,
    });
  });

  it.each([
    ['an unknown agent', { agent_id: 'nobody' }, 404, 'agent not found'],
    ['an agent that is offline', { agent_id: 'off' }, 404, 'agent not found'],
    ['a hostile agent', { agent_id: '../../x\0' }, 404, 'agent not found'],
    ['an unknown type', { type: 'nosuch' }, 400, 'unsupported task type'],
    ['a type that the agent lacks', { type: 'mysql', command: 'select 1' }, 400, 'unsupported task type'],
    ['no command', { command: undefined }, 400, 'command is empty'],
    ['a command of blanks', { command: ' \t\n ' }, 400, 'command is empty'],
    ['no url', { type: 'api', command: 'GET' }, 400, 'url is required in params'],
    ['an empty url', { type: 'api', params: { url: '' } }, 400, 'url is required in params'],
    ['a url that is none', { type: 'api', params: { url: 'user:pass@host' } }, 400, /http or https/],
    ['a missing agent', { agent_id: undefined }, 400, 'agent_id is required'],
    ['a missing type', { type: undefined }, 400, 'type is required'],
    ['a timeout that is text', { timeout: '10' }, 400, /timeout/],
    ['a timeout that is a fraction', { timeout: 1.5 }, 400, /timeout/],
    ['sync that is text', { sync: 'true' }, 400, /sync/],
    ['params that are text', { params: '{}' }, 400, /params/],
    ['a command that is a number', { command: 5 }, 400, /command/],
    ['a command with NUL', { command: 'echo \0' }, 400, /NUL/],
    ['params that the resource refuses', { params: { cwd: 5 } }, 400, /cwd/],
  ])('refuses %s', async (_what, change, status, error) => {
    const body = { agent_id: 'a1', type: 'shell', command: 'echo hi', ...change };
    const answer = await api.call('POST', '/api/v1/tasks', body);
    expect(answer.status).toBe(status);
    expect(answer.body['error']).toEqual(typeof error === 'string' ? error : expect.stringMatching(error));
    expect(answer.body['code']).toMatch(/^[A-Z]/);
  });

  it.each([
    ['', 400],
    ['{', 400],
    ['[]', 400],
    ['"text"', 400],
    ['null', 400],
    ['[{"agent_id":"a1"}]', 400],
    ['agent_id=a1&type=shell', 400],
  ])('refuses the body %j', async (body, status) => {
    const answer = await api.call('POST', '/api/v1/tasks', body);
    expect(answer).toMatchObject({ status, body: { error: expect.any(String) as string } });
  });

  it('takes JSON whatever its Content-Type says, and ignores unknown fields and nulls', async () => {
    const body = { agent_id: 'a1', type: 'shell', command: 'x', params: null, sync: null, timeout: null, extra: [1] };
    const plain = new TextEncoder().encode(JSON.stringify(body));
    const response = await fetch(`${api.url}/api/v1/tasks`, { method: 'POST', body: plain });
    expect(response.status).toBe(201);
    const typed = await api.call('POST', '/api/v1/tasks', body, {
      'content-type': 'application/x-www-form-urlencoded',
    });
    expect(typed.status).toBe(201);
  });

  it('refuses bodies over 1 MiB and those that are not UTF-8', async () => {
    const large = await api.call('POST', '/api/v1/tasks', { agent_id: 'a1', type: 'shell', command: 'x'.repeat(10e6) });
    expect(large).toMatchObject({ status: 413, body: { code: 'BodyTooLarge' } });
    const response = await fetch(`${api.url}/api/v1/tasks`, { method: 'POST', body: Buffer.from([0x22, 0xff, 0x22]) });
    expect(response.status).toBe(415);
  });

  it('keeps a command of more than 64 KiB in the store and shows it whole', async () => {
    const command = `echo ${'é'.repeat(40_000)}`;
    const { id } = await create({ command });
    const { spec, metadata } = await api.task(id);
    expect(spec.command).toBeUndefined();
    expect(spec.commandFrom?.blob.bytes).toBe(Buffer.byteLength(command));
    expect((await api.call<TaskView>('GET', `/api/v1/tasks/${id}`)).body.command).toBe(command);
    await api.run(id, 'a1');
    const token = { authorization: `Bearer ${(await sharedCluster()).tokenFor('admin')}` };
    const whole = await fetch(`${api.url}/internal/tasks/${metadata.uid}/command`, { headers: token });
    expect(await whole.text()).toBe(command);
  });

  it('finds a task that kubectl has created a moment ago, under the id of its namespace', async () => {
    const other = (await sharedCluster()).namespace;
    const spec = { agent: 'a1', type: 'shell' as const, command: 'x' };
    await api.client.create(deployTasks, other, { metadata: { name: 'by.hand' }, spec });
    const { status, body } = await api.call<TaskView>('GET', `/api/v1/tasks/${other}:by.hand`);
    expect(status).toBe(200);
    expect(body).toMatchObject({ id: `${other}:by.hand`, status: 'pending', command: 'x', params: '{}' });
    const name = `by.hand.${ulid().toLowerCase()}`;
    await api.client.create(deployTasks, api.namespace, { metadata: { name }, spec });
    expect((await api.call<TaskView>('GET', `/api/v1/tasks/${name}`)).body.id).toBe(name);
  });

  it.each(['nope', '..%2f..%2fetc', 'a%00b', 'x'.repeat(300), 'UPPER', 'a:b:c', ':', 'ns:', '%F0%9F%92%A9', 'a%20b'])(
    'answers 404 for the task %s on every route',
    async (id) => {
      for (const [method, route] of [
        ['GET', ''],
        ['GET', '/logs'],
        ['GET', '/result'],
        ['POST', '/cancel'],
        ['DELETE', ''],
      ] as const) {
        const answer = await api.call(method, `/api/v1/tasks/${id}${route}`);
        expect(answer, `${method} ${route}`).toMatchObject({ status: 404, body: { error: 'task not found' } });
      }
    },
  );

  it('answers unknown routes, wrong methods and malformed paths in JSON', async () => {
    expect(await api.call('GET', '/api/v1/nothing')).toMatchObject({ status: 404, body: { code: 'RouteNotFound' } });
    const wrong = await api.call('PATCH', '/api/v1/tasks', {});
    expect(wrong).toMatchObject({ status: 405, body: { code: 'MethodNotAllowed' } });
    expect(wrong.headers.get('allow')).toBe('GET, POST');
    expect(await api.call('GET', '/api/v1/tasks/%zz')).toMatchObject({ status: 400 });
  });

  it('shows every state of the resource in the words of the manual', async () => {
    const { id } = await create();
    const status = async (): Promise<TaskView> => (await api.call<TaskView>('GET', `/api/v1/tasks/${id}`)).body;
    expect(await status()).toMatchObject({ status: 'pending' });
    await api.run(id, 'a1');
    await vi.waitFor(async () => expect(await status()).toMatchObject({ status: 'running' }));
    await api.finish(id, 'Unknown', { error: 'the agent was lost' });
    await vi.waitFor(async () =>
      expect(await status()).toMatchObject({
        status: 'failed',
        error: expect.stringMatching(/^outcome unknown.*the agent was lost/) as string,
      }),
    );
  });

  it('cancels what has not ended, and says 409 of what has', async () => {
    const { id } = await create();
    await api.run(id, 'a1');
    const canceled = api.call('POST', `/api/v1/tasks/${id}/cancel`);
    await vi.waitFor(async () => expect((await api.task(id)).spec.cancel).toBe(true));
    await api.finish(id, 'Canceled', { error: 'canceled by user' });
    expect(await canceled).toMatchObject({ status: 200, body: { message: 'task canceled' } });
    expect((await api.call<TaskView>('GET', `/api/v1/tasks/${id}`)).body.status).toBe('canceled');
    const again = await api.call('POST', `/api/v1/tasks/${id}/cancel`);
    expect(again).toMatchObject({ status: 409, body: { error: 'task cannot be canceled', code: 'TaskNotCancelable' } });
  });

  it('lists tasks newest first, filtered and in pages', async () => {
    const made: string[] = [];
    for (const command of ['one', 'two', 'three']) {
      made.unshift((await create({ command, agent_id: 'a1' })).id);
      // Times of creation have whole seconds; names sort within one.
      await sleep(2);
    }
    const list = async (query: string): Promise<TaskView[]> =>
      (await api.call<TaskView[]>('GET', `/api/v1/tasks?${query}`)).body;
    await vi.waitFor(async () => expect((await list('limit=3')).map(({ id }) => id)).toEqual(made));
    expect((await list('limit=1&offset=1')).map(({ command }) => command)).toEqual(['two']);
    expect(await list('limit=0')).toEqual([]);
    expect(await list('agent_id=nobody-has-this-name')).toEqual([]);
    expect((await list('type=shell&status=pending&agent_id=a1')).length).toBeGreaterThan(2);
    expect((await list('limit=3')).every((task) => FIELDS === Object.keys(task).join(' '))).toBe(true);
    expect(await list('limit=3&unknown=1')).toHaveLength(3);
    for (const query of ['limit=-1', 'limit=abc', 'offset=x', 'status=Succeeded'])
      expect(await api.call('GET', `/api/v1/tasks?${query}`), query).toMatchObject({ status: 400 });
  });

  it('finds tasks by their metadata, whoever made them', async () => {
    const ticket = `OPS-${ulid()}`;
    const metadata = { env: 'prod', creator: '张三', ticket, risk: 3, 'a.b': true };
    const { id, params } = await create({ params: { metadata } });
    expect(JSON.parse(params)).toEqual({ metadata });
    await create({ params: { metadata: { ...metadata, ticket: `${ticket}1` } } });
    const list = async (query: string): Promise<string[]> =>
      (await api.call<TaskView[]>('GET', `/api/v1/tasks?${query}`)).body.map((task) => task.id);
    await vi.waitFor(async () => expect(await list(`metadata.ticket=${ticket}`)).toEqual([id]));
    for (const query of ['creator=%E5%BC%A0%E4%B8%89', 'env=prod', 'risk=3', 'a.b=true'])
      expect(await list(`metadata.${query}&metadata.ticket=${ticket}`), query).toEqual([id]);
    for (const query of ['ticket=OPS', 'ticket=', `env=dev&metadata.ticket=${ticket}`, 'toString=', 'risk=4'])
      expect(await list(`metadata.${query}`), query).toEqual([]);
    expect(await api.call('GET', '/api/v1/tasks?metadata.risk=1&metadata.risk=2')).toMatchObject({
      status: 400,
      body: { error: 'metadata.risk may be given once' },
    });
    const labelSelector = `metadata.tiangong.io/ticket=${ticket},metadata.tiangong.io/risk=3,!metadata.tiangong.io/creator`;
    const { items } = await api.client.list(deployTasks, api.namespace, { labelSelector });
    expect(items.map((task) => task.metadata.name)).toEqual([id]);

    const name = `odd-${ulid().toLowerCase()}`;
    const odd = {
      ticket,
      nested: { a: [1] },
      list: [],
      none: null,
      long: 'x'.repeat(5000),
      ['k'.repeat(100)]: 1,
    };
    const spec = { agent: 'a1', type: 'shell' as const, command: 'true', params: { metadata: odd } };
    await api.client.create(deployTasks, api.namespace, { metadata: { name }, spec });
    await vi.waitFor(async () => expect(await list(`metadata.ticket=${ticket}`)).toContain(name));
    expect(await list('metadata.nested=%5Bobject%20Object%5D')).toEqual([]);
    const { body } = await api.call<TaskView>('GET', `/api/v1/tasks/${name}`);
    expect(JSON.parse(body.params)).toMatchObject({ metadata: { ticket, nested: { a: [1] } } });
  });

  it.each([
    ['no object', 'OPS-42', 'params.metadata must be an object'],
    ['a list', [], 'params.metadata must be an object'],
    ['an object in it', { ticket: {} }, 'params.metadata.ticket must be a string, a number or a boolean'],
    ['a long value', { a: 'x'.repeat(254) }, 'params.metadata.a must be plain text of at most 253 characters'],
    ['a line end', { a: 'x\ny' }, 'params.metadata.a must be plain text of at most 253 characters'],
    [
      'an empty key',
      { '': 'a' },
      'params.metadata has a key that is empty, longer than 63 characters or not plain text',
    ],
    [
      'many keys',
      Object.fromEntries(Array.from({ length: 33 }, (_, key) => [key, 1])),
      'params.metadata may have 32 keys at most',
    ],
  ])('refuses metadata that is or has %s', async (_name, metadata, error) => {
    const body = { agent_id: 'a1', type: 'shell', command: 'true', params: { metadata } };
    expect(await api.call('POST', '/api/v1/tasks', body)).toMatchObject({
      status: 400,
      body: { error, code: 'InvalidRequest' },
    });
  });

  it('deletes a task', async () => {
    const { id } = await create();
    const deleted = api.call('DELETE', `/api/v1/tasks/${id}`);
    await vi.waitFor(async () => expect((await api.task(id)).metadata.deletionTimestamp).toBeDefined());
    await api.client.patch(deployTasks, api.namespace, id, { metadata: { finalizers: null } });
    expect(await deleted).toMatchObject({ status: 200, body: { message: 'task deleted' } });
    expect(await api.call('GET', `/api/v1/tasks/${id}`)).toMatchObject({ status: 404 });
  });

  it('creates one task for one Idempotency-Key, however often it is asked', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const body = { agent_id: 'a1', type: 'shell', command: `once ${ulid()}` };
    const answers = await Promise.all([1, 2, 3].map(() => api.call<TaskView>('POST', '/api/v1/tasks', body, key)));
    expect(new Set(answers.map((answer) => answer.body.id)).size).toBe(1);
    expect(answers.every(({ status }) => status === 201)).toBe(true);
    const other = await api.call('POST', '/api/v1/tasks', { ...body, command: 'twice' }, key);
    expect(other).toMatchObject({ status: 409, body: { code: 'IdempotencyKeyReused' } });
    const { items } = await api.client.list(deployTasks, api.namespace);
    expect(items.filter(({ spec }) => spec.command === body.command)).toHaveLength(1);
  });

  it('lets a refused request be corrected under its Idempotency-Key', async () => {
    const key = { 'Idempotency-Key': ulid() };
    const body = { agent_id: 'off', type: 'shell', command: 'later' };
    expect(await api.call('POST', '/api/v1/tasks', body, key)).toMatchObject({ status: 404 });
    expect(await api.call('POST', '/api/v1/tasks', { ...body, agent_id: 'a1' }, key)).toMatchObject({ status: 201 });
  });
});
