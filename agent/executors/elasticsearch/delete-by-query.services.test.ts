import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { execute } from '../../conformance/executor.ts';
import { TaskAborted } from '../executor.ts';
import { ElasticsearchExecutor } from './elasticsearch-executor.ts';
import { TestIndices, credentials, randomIndexName } from './testing/test-indices.ts';

describe.skipIf(!hasServices('elasticsearch'))('ElasticsearchExecutor while it deletes by query', () => {
  const index = randomIndexName();
  let indices: TestIndices;

  beforeAll(async () => {
    indices = await TestIndices.create(await service('elasticsearch'), index);
  });
  afterAll(() => indices?.drop());

  const of = `${index}-slow`;
  // One document a second.
  const slow = {
    operation: 'delete_by_query',
    index: of,
    query: { match_all: {} },
    scroll_size: 1,
    requests_per_second: 1,
  };
  interface ServerTask {
    readonly node: string;
    readonly id: number;
    readonly description: string;
    readonly status: { readonly deleted: number };
  }
  // Other tests may be deleting on the same server.
  const tasks = async (): Promise<ServerTask[]> => {
    const found = (await indices.ask('GET', '/_tasks?actions=*delete/byquery&detailed&group_by=none'))[
      'tasks'
    ] as ServerTask[];
    return found.filter(({ description }) => description.includes(of));
  };
  const cancelAll = async (): Promise<void> => {
    for (const { node, id } of await tasks())
      await indices.ask('POST', `/_tasks/${node}:${id}/_cancel?wait_for_completion=true`);
  };
  const begun = (): Promise<void> =>
    vi.waitFor(async () => expect((await tasks()).some(({ status }) => status.deleted > 0)).toBe(true));
  const fill = async (): Promise<void> => {
    // What an earlier try left, should it have failed, goes on for a hundred seconds.
    await cancelAll();
    const actions = Array.from({ length: 100 }, (_, n) => ({ index: { _id: String(n), _source: { n } } }));
    await indices.succeeded({ operation: 'bulk', index: of, actions, refresh: true });
  };

  it('logs how far it has come, and has the server stop when it is canceled', async () => {
    await fill();
    const controller = new AbortController();
    const execution = indices.run(slow, {}, { signal: controller.signal });
    await begun();
    const [{ node, id } = { node: '', id: 0 }] = await tasks();
    // Progress is logged every two seconds.
    await vi.waitFor(async () => expect((await tasks())[0]?.status.deleted).toBeGreaterThan(3));
    controller.abort(new TaskAborted('User', 'canceled by user'));
    const { outcome, result, log, evidence } = await execution;
    expect(outcome.state).toBe('Failed');
    expect(await tasks()).toEqual([]);
    expect(result.toString()).toMatch(
      /^Delete by query stopped\nDocuments deleted: \d+\nResponse: \{.*"canceled":"by user request"/,
    );
    const lines = log.map(({ message }) => message);
    expect(lines).toContainEqual(expect.stringMatching(/^\d+ of 100 documents deleted$/));
    expect(lines).toContain(`canceled task ${node}:${id} of the server`);
    expect(evidence.at(-1)).toMatch(
      new RegExp(`^delete_by_query is task ${node}:${id} of the server, X-Opaque-Id tiangong-`),
    );
  });

  it('has the server stop at its own deadline', async () => {
    await fill();
    const { outcome } = await indices.run(slow, { exec_options: { timeout_ms: 1500 } });
    expect(outcome).toEqual({
      state: 'Failed',
      reason: 'TimeoutExceeded',
      message: 'execution timeout after 1500 ms',
    });
    expect(await tasks()).toEqual([]);
  });

  it('fails when somebody else cancels it', async () => {
    await fill();
    const execution = indices.run(slow);
    await begun();
    await cancelAll();
    const { outcome } = await execution;
    expect(outcome).toMatchObject({
      reason: 'CanceledOnServer',
      message: expect.stringMatching(/"by user request"; \d+ documents were deleted$/) as string,
    });
  });

  it('has the server stop when the connection is lost', async () => {
    await fill();
    const sockets: Socket[] = [];
    const proxy = createServer((socket) => {
      const upstream = connect(indices.server.port, indices.server.host);
      socket.pipe(upstream).pipe(socket);
      socket.on('error', () => upstream.destroy());
      upstream.on('error', () => socket.destroy());
      sockets.push(socket);
    });
    await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
    onTestFinished(() => void proxy.close());
    const execution = indices.run(slow, { target: indices.target({ port: (proxy.address() as AddressInfo).port }) });
    await begun();
    for (const socket of sockets) socket.destroy();
    const { outcome } = await execution;
    expect(outcome).toMatchObject({
      reason: 'ConnectionLost',
      message: expect.stringMatching(
        /^Delete by query failed: connection lost: .*; the server may have done it or not$/,
      ) as string,
    });
    expect(await tasks()).toEqual([]);
  });

  it('says so when the login may not stop it on the server', async () => {
    await fill();
    const role = { cluster: [], indices: [{ names: [of], privileges: ['all'] }] };
    const made = await indices.ask('POST', '/_security/api_key', { name: index, role_descriptors: { role } });
    const hasty = new ElasticsearchExecutor({
      connections: new Map(),
      spoolFolder: indices.spoolFolder,
      // Longer than a busy server needs to refuse.
      graceMs: 4000,
    });
    onTestFinished(() => hasty.close());
    const controller = new AbortController();
    const login = credentials({ api_key: String(made['encoded']) });
    const params = { target: indices.target({ user: undefined }) };
    const execution = execute(hasty, indices.work(slow, params, { credentials: login, signal: controller.signal }));
    await begun();
    controller.abort(new TaskAborted('User', 'canceled by user'));
    const { outcome, log } = await execution;
    expect(outcome.state).toBe('Failed');
    expect(log.at(-1)).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(
        /^the deletion may go on on the server, it could not be canceled there: .*403/,
      ) as string,
    });
    await cancelAll();
  });
});
