import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import type { Service } from '../../../test/services/service.ts';
import { describeExecutor, execute } from '../../conformance/executor.ts';
import type { Execution, Work } from '../../conformance/executor.ts';
import type { TaskFile } from '../../files/task-file.ts';
import { createCertificate } from '../../testing/certificate.ts';
import { TaskAborted } from '../executor.ts';
import { ElasticsearchExecutor } from './elasticsearch-executor.ts';

const WRONG_PASSWORD = 'wr0ng-pa55word';

describe.skipIf(!hasServices('elasticsearch'))('ElasticsearchExecutor', () => {
  const index = `test-${randomBytes(6).toString('hex')}`;
  const spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  let server: Service;
  let executor: ElasticsearchExecutor;

  beforeAll(async () => {
    server = await service('elasticsearch');
    executor = new ElasticsearchExecutor({ connections: new Map(), spoolFolder });
    const settings = { number_of_replicas: 0, max_result_window: 10_000 };
    expect(await ask('PUT', `/${index}`, { settings })).toMatchObject({ acknowledged: true });
    await ask('PUT', `/${index}-big`, { mappings: { enabled: false } });
    await ask('PUT', `/${index}-big/_doc/1?refresh=true`, { text: 'x'.repeat(5_000_000) });
  });
  afterAll(async () => {
    // The server deletes indices by their full names only.
    if (server !== undefined)
      for (const name of Object.keys(await ask('GET', `/${index}*`))) await ask('DELETE', `/${name}`);
    await executor?.close();
    rmSync(spoolFolder, { recursive: true, force: true });
  });

  /** The witness: what the server itself says. */
  async function ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const login = Buffer.from(`${server.user}:${server.password}`).toString('base64');
    const response = await fetch(`http://${server.host}:${server.port}${path}`, {
      method,
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  }
  const source = async (id: string, of = index): Promise<unknown> => (await ask('GET', `/${of}/_doc/${id}`))['_source'];
  const count = async (of = index): Promise<unknown> => {
    await ask('POST', `/${of}/_refresh`);
    return (await ask('GET', `/${of}/_count`))['count'];
  };

  const target = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
    ...{ host: server.host, port: server.port, user: server.user, secret_ref: 'login' },
    ...changes,
  });
  const credentials = (data: Record<string, string>): NonNullable<Work['credentials']> => ({
    login: { data, allowedHosts: undefined },
  });
  const work = (command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Work => ({
    command: typeof command === 'string' ? command : JSON.stringify(command),
    params: { target: target(), ...params },
    credentials: credentials({ password: server.password }),
    ...changes,
  });
  const run = (...args: Parameters<typeof work>): Promise<Execution> => execute(executor, work(...args));
  const succeeded = async (...args: Parameters<typeof work>): Promise<string> => {
    const { outcome, result } = await run(...args);
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return result.toString();
  };
  async function file(text: string): Promise<TaskFile> {
    const path = join(spoolFolder, randomUUID());
    await writeFile(path, text);
    return { id: 'file-1', path, name: 'actions.ndjson', bytes: text.length, release: () => undefined };
  }

  describeExecutor(
    'ElasticsearchExecutor',
    () => {
      const of = `${index}-${randomBytes(4).toString('hex')}`;
      const actions = Array.from({ length: 1000 }, (_, id) => ({ index: { _id: String(id), _source: { id } } }));
      const slowly = (timeout_ms: number): Work =>
        work(
          { operation: 'bulk', index: of, actions },
          { exec_options: { trans_batch_size: 1, sleep_ms: 50, timeout_ms } },
        );
      return Promise.resolve({
        executor,
        succeeding: work({ operation: 'index', index, doc: { a: 'b' } }),
        failing: work({ operation: 'update', index, id: 'missing', doc: {} }),
        endless: {
          ...slowly(600_000),
          begun: () => vi.waitFor(async () => expect(await source('0', of)).toEqual({ id: 0 })),
        },
        // One document of that size is there.
        big: () => work({ operation: 'search', index: `${index}-big` }),
        invalid: [
          { command: '{}' },
          { command: '{"operation":"bulk","index":"a","actions":[{"index":{}}]}' },
          work({ operation: 'index', index, doc: {} }, { target: { port: 1 } }),
          work({ operation: 'index', index, doc: {} }, { target: target({ protocol: 'native' }) }),
          work({ operation: 'index', index, doc: {} }, { exec_options: { timeout_ms: 0 } }),
        ],
        remote: {
          unreachable: work({ operation: 'count', index }, { target: target({ port: 1 }) }),
          wrongPassword: work(
            { operation: 'count', index },
            {},
            { credentials: credentials({ password: WRONG_PASSWORD }) },
          ),
          secrets: [server.password, WRONG_PASSWORD],
          running: async () => {
            const { tasks } = await ask('GET', '/_tasks?actions=*bulk*&group_by=none&detailed');
            return (tasks as { description: string }[]).filter(({ description }) => description.includes(of)).length;
          },
          endlessFor: slowly,
        },
      });
    },
    'remote',
  );

  describe('with the manual’s examples', () => {
    it('indexes a document (example 1)', async () => {
      const result = await succeeded(`{"operation":"index","index":"${index}","id":"1","doc":{"field":"value"}}`, {
        exec_options: { timeout_ms: 600_000 },
      });
      expect(result).toMatch(/^Index operation completed\nID: 1\nResponse: \{.*"result":"created".*\}$/);
      expect(await source('1')).toEqual({ field: 'value' });
    });

    it('sends bulk actions with an API key (example 2), encoded or as id and key', async () => {
      const made = await ask('POST', '/_security/api_key', { name: index, expiration: '1h' });
      const command = { operation: 'bulk', index, actions: [{ index: { _id: '2', _source: { field: 'value' } } }] };
      for (const key of [String(made['encoded']), `${String(made['id'])}:${String(made['api_key'])}`]) {
        const execution = await run(
          command,
          { target: target({ user: undefined }) },
          { credentials: credentials({ api_key: key }) },
        );
        expect(execution.result.toString()).toMatch(
          /^Bulk operation completed\nDocuments affected: 1\nResponse: \{.*\}$/,
        );
        expect(JSON.stringify([execution, execution.result.toString()])).not.toContain(key);
      }
      const ids = [made['id']];
      await ask('DELETE', '/_security/api_key', { ids });
      const { outcome } = await run(
        command,
        { target: target({ user: undefined }) },
        { credentials: credentials({ api_key: String(made['encoded']) }) },
      );
      expect(outcome).toMatchObject({ reason: 'AuthenticationFailed' });
      expect(outcome.message).toMatch(/^authentication failed: /);
      expect(outcome.message).not.toContain(made['api_key']);
    });

    it('sends the bulk command of the format section', async () => {
      const command = { operation: 'bulk', index, actions: [{ index: { _id: '1', _source: { field: 'value' } } }] };
      const response = JSON.parse((await succeeded(command)).split('Response: ')[1] ?? '') as Record<string, unknown>;
      expect(response).toMatchObject({ errors: false, items: [{ index: { _id: '1', status: 200 } }] });
    });

    it('updates a document', async () => {
      await ask('PUT', `/${index}/_doc/update`, { a: 1, b: 1 });
      const result = await succeeded({ operation: 'update', index, id: 'update', doc: { b: 2 } });
      expect(result).toMatch(/^Update operation completed\nID: update\nResponse: \{.*"result":"updated".*\}$/);
      expect(await source('update')).toEqual({ a: 1, b: 2 });
    });

    it('deletes what a query finds', async () => {
      const of = `${index}-query`;
      for (const kind of ['a', 'a', 'b']) await ask('POST', `/${of}/_doc?refresh=true`, { kind });
      const command = { operation: 'delete_by_query', index: of, query: { match: { kind: 'a' } }, refresh: true };
      expect(await succeeded(command)).toMatch(
        /^Delete by query completed\nDocuments deleted: 2\nResponse: \{.*"deleted":2.*\}$/,
      );
      expect(await count(of)).toBe(1);
    });

    it('uses the connection named default when the task names none', async () => {
      const fromFile = new ElasticsearchExecutor({
        connections: new Map([
          [
            'default',
            {
              name: 'default',
              host: server.host,
              port: server.port,
              user: server.user,
              passwordEnv: 'ES_TEST_PASSWORD',
            },
          ],
        ]),
        spoolFolder,
      });
      vi.stubEnv('ES_TEST_PASSWORD', server.password);
      onTestFinished(async () => {
        vi.unstubAllEnvs();
        await fromFile.close();
      });
      const { outcome, result } = await execute(fromFile, { command: JSON.stringify({ operation: 'count', index }) });
      expect(outcome).toMatchObject({ state: 'Succeeded' });
      expect(result.toString()).toMatch(/^Count completed\nDocuments: \d+\nResponse: /);
      expect(
        (await execute(executor, { command: JSON.stringify({ operation: 'count', index }) })).outcome,
      ).toMatchObject({
        reason: 'ConnectionNotFound',
      });
    });
  });

  it('fails for actions that failed, names them and counts the others', async () => {
    await ask('PUT', `/${index}-bulk`, { mappings: { properties: { n: { type: 'long' } } } });
    const actions = [
      { create: { _id: '1', _source: { n: 1 } } },
      { create: { _id: '1', _source: { n: 2 } } },
      { update: { _id: 'none', doc: { n: 3 } } },
      { index: { _id: '4', _source: { n: 'no number' } } },
      { update: { _id: '1', doc: { n: 5 }, doc_as_upsert: true } },
      { delete: { _id: '9' } },
    ];
    const { outcome, result, log } = await run({ operation: 'bulk', index: `${index}-bulk`, actions });
    expect(outcome).toMatchObject({ state: 'Failed', reason: 'BulkActionsFailed' });
    const [head, ...named] = outcome.message.split('\n');
    expect(head).toBe('Bulk operation failed: 3 of 6 actions failed');
    expect(named).toEqual([
      expect.stringMatching(/^action 2 \(create test-\S+ "1"\): version_conflict_engine_exception: /),
      expect.stringMatching(/^action 3 \(update test-\S+ "none"\): document_missing_exception: /),
      expect.stringMatching(/^action 4 \(index test-\S+ "4"\): document_parsing_exception: .*no number/),
    ]);
    expect(result.toString()).toMatch(/^Bulk operation completed\nDocuments affected: 3\nResponse: \{"errors":true,/);
    expect(log.filter(({ level }) => level === 'error').map(({ message }) => message)).toEqual(named);
    expect(await source('1', `${index}-bulk`)).toEqual({ n: 5 });
  });

  it('names the first twenty of many failed actions and counts the rest', async () => {
    const actions = Array.from({ length: 50 }, (_, id) => ({ update: { _id: `none-${id}`, doc: {} } }));
    const { outcome, result } = await run(
      { operation: 'bulk', index, actions },
      { exec_options: { trans_batch_size: 7 } },
    );
    const lines = outcome.message.split('\n');
    expect([lines.length, lines[20]?.slice(0, 9), lines[21]]).toEqual([22, 'action 20', 'and 30 more']);
    const response = JSON.parse(result.toString().split('Response: ')[1] ?? '') as {
      errors: boolean;
      items: unknown[];
    };
    expect([response.errors, response.items.length]).toEqual([true, 50]);
  });

  it('keeps numbers that JavaScript would change', async () => {
    await succeeded(`{"operation":"index","index":"${index}","id":"n","doc":{"big":9007199254740993,"one":1.0}}`);
    const answer = await fetch(`http://${server.host}:${server.port}/${index}/_source/n`, {
      headers: { authorization: `Basic ${Buffer.from(`${server.user}:${server.password}`).toString('base64')}` },
    });
    expect(await answer.text()).toBe('{"big":9007199254740993,"one":1.0}');
    const found = await succeeded({
      operation: 'search',
      index,
      query: { ids: { values: ['n'] } },
      refresh: undefined,
    });
    expect(found).toMatch(/\(\d rows?\)$/);
  });

  it('streams a file of 100,000 documents in and a search of them out', async () => {
    const of = `${index}-many`;
    const text = Array.from({ length: 100_000 }, (_, n) => `{"index":{"_index":"${of}"}}\n{"n":${n}}\n`).join('');
    const loaded = await run('', { exec_options: { trans_batch_size: 5000 } }, { file: await file(text) });
    expect(loaded.outcome).toEqual({ state: 'Succeeded', message: '100000 documents affected' });
    expect(loaded.evidence.at(-1)).toMatch(/^bulk actions 95001-100000, X-Opaque-Id tiangong-/);
    expect(await count(of)).toBe(100_000);

    const search = { operation: 'search', index: of, size: 200_000, sort: [{ n: 'asc' }] };
    const { outcome, result } = await run(search, { result_format: 'json' });
    expect(outcome).toEqual({ state: 'Succeeded', message: '100000 of 100000 documents' });
    const { statements } = JSON.parse(result.toString()) as {
      statements: { hits: unknown; hits_or_more?: boolean; rows: { n: number }[] }[];
    };
    expect(statements[0]?.hits).toBe(100_000);
    expect(statements[0]?.rows.map(({ n }) => n)).toEqual(Array.from({ length: 100_000 }, (_, n) => n));
    const limited = await succeeded({ ...search, size: 2500 });
    expect(limited).toMatch(/^Search completed\nHits: 100000\n/);
    expect(limited).toMatch(/\(2500 rows\)$/);
    const estimated = { ...search, size: 1, track_total_hits: 1000 };
    expect(await succeeded(estimated)).toMatch(/^Search completed\nHits: 1000\+\n/);
    expect(await succeeded(estimated, { result_format: 'json' })).toContain('"hits":1000,"hits_or_more":true,');
  }, 120_000);

  it('takes the actions of a bulk command from a file, in both styles', async () => {
    const of = `${index}-file`;
    const lines = await file('{"index":{"_id":"1"}}\n{"a":1}\n{"update":{"_id":"1","doc":{"b":2}}}\n');
    await succeeded({ operation: 'bulk', index: of }, {}, { file: lines });
    expect(await source('1', of)).toEqual({ a: 1, b: 2 });
    const list = await file('[\n{"index":{"_id":"2","_source":{"a":2}}},\n{"delete":{"_id":"1"}}]');
    await succeeded({ operation: 'bulk', index: of }, {}, { file: list });
    const command = await file(JSON.stringify({ operation: 'index', index: of, id: '3', doc: { c: 3 } }, undefined, 2));
    await succeeded('', {}, { file: command });
    expect([await source('1', of), await source('2', of), await source('3', of)]).toEqual([
      undefined,
      { a: 2 },
      { c: 3 },
    ]);
    const broken = await run(
      { operation: 'bulk', index: of },
      { exec_options: { trans_batch_size: 1 } },
      { file: await file('{"delete":{"_id":"2"}}\n{"delete":{"_id":"3"}}\n{"index"') },
    );
    expect(broken.outcome).toMatchObject({
      state: 'Failed',
      reason: 'FileInvalid',
      message: expect.stringMatching(/^line 3 of the file: .*; [12] documents were affected before$/) as string,
    });
  });

  it('manages documents and indices', async () => {
    const of = `${index}-managed`;
    expect(
      await succeeded({ operation: 'create_index', index: of, mappings: { properties: { a: { type: 'keyword' } } } }),
    ).toMatch(/^Create index completed\nIndex: test-/);
    await succeeded({ operation: 'index', index: of, id: '1', doc: { a: 'b' }, op_type: 'create' });
    const again = await run({ operation: 'index', index: of, id: '1', doc: { a: 'b' }, op_type: 'create' });
    expect(again.outcome).toMatchObject({
      reason: 'VersionConflict',
      message: expect.stringMatching(/^Index operation failed: 409 version_conflict/) as string,
    });
    await succeeded({ operation: 'refresh', index: of });
    const table = await succeeded({ operation: 'search', index: of });
    expect(table).toBe('Search completed\nHits: 1\n _id | a\n-----+---\n 1   | b\n(1 row)');
    const counted = await succeeded({ operation: 'search', index: of, aggs: { by: { terms: { field: 'a' } } } });
    expect(counted).toMatch(/^Search completed\nHits: 1\nResponse: \{.*"buckets":\[\{"key":"b","doc_count":1\}\].*\}$/);
    expect(await succeeded({ operation: 'delete', index: of, id: '1' })).toMatch(
      /^Delete operation completed\nID: 1\n/,
    );
    expect((await run({ operation: 'delete', index: of, id: '1' })).outcome).toMatchObject({ reason: 'NotFound' });
    await succeeded({ operation: 'delete_index', index: of });
    expect((await run({ operation: 'search', index: of })).outcome).toMatchObject({
      reason: 'NotFound',
      message: expect.stringContaining('index_not_found_exception') as string,
    });
  });

  it('writes a result as JSON when it is asked to', async () => {
    const result = await succeeded({ operation: 'index', index, id: 'j', doc: {} }, { result_format: 'json' });
    expect(JSON.parse(result)).toMatchObject({ operation: 'index', success: true, id: 'j', response: { _id: 'j' } });
  });

  it('says that a login may not do it', async () => {
    const role = { cluster: [], indices: [{ names: [`${index}-nothing`], privileges: ['read'] }] };
    const made = await ask('POST', '/_security/api_key', { name: index, role_descriptors: { role } });
    const key = credentials({ api_key: String(made['encoded']) });
    const { outcome } = await run(
      { operation: 'index', index, doc: {} },
      { target: target({ user: undefined }) },
      { credentials: key },
    );
    expect(outcome).toMatchObject({
      reason: 'PermissionDenied',
      message: expect.stringMatching(/^Index operation failed: 403 security_exception: /) as string,
    });
  });

  describe('while it deletes by query', () => {
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
      const found = (await ask('GET', '/_tasks?actions=*delete/byquery&detailed&group_by=none'))[
        'tasks'
      ] as ServerTask[];
      return found.filter(({ description }) => description.includes(of));
    };
    const cancelAll = async (): Promise<void> => {
      for (const { node, id } of await tasks())
        await ask('POST', `/_tasks/${node}:${id}/_cancel?wait_for_completion=true`);
    };
    const begun = (): Promise<void> =>
      vi.waitFor(async () => expect((await tasks()).some(({ status }) => status.deleted > 0)).toBe(true));
    const fill = async (): Promise<void> => {
      const actions = Array.from({ length: 100 }, (_, n) => ({ index: { _id: String(n), _source: { n } } }));
      await succeeded({ operation: 'bulk', index: of, actions, refresh: true });
    };

    it('logs how far it has come, and has the server stop when it is canceled', async () => {
      await fill();
      const controller = new AbortController();
      const execution = run(slow, {}, { signal: controller.signal });
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
      const { outcome } = await run(slow, { exec_options: { timeout_ms: 1500 } });
      expect(outcome).toEqual({
        state: 'Failed',
        reason: 'TimeoutExceeded',
        message: 'execution timeout after 1500 ms',
      });
      expect(await tasks()).toEqual([]);
    });

    it('fails when somebody else cancels it', async () => {
      await fill();
      const execution = run(slow);
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
        const upstream = connect(server.port, server.host);
        socket.pipe(upstream).pipe(socket);
        socket.on('error', () => upstream.destroy());
        upstream.on('error', () => socket.destroy());
        sockets.push(socket);
      });
      await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void proxy.close());
      const execution = run(slow, { target: target({ port: (proxy.address() as AddressInfo).port }) });
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
      const made = await ask('POST', '/_security/api_key', { name: index, role_descriptors: { role } });
      const hasty = new ElasticsearchExecutor({ connections: new Map(), spoolFolder, graceMs: 1000 });
      onTestFinished(() => hasty.close());
      const controller = new AbortController();
      const login = credentials({ api_key: String(made['encoded']) });
      const params = { target: target({ user: undefined }) };
      const execution = execute(hasty, work(slow, params, { credentials: login, signal: controller.signal }));
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

  describe('over TLS', () => {
    async function proxy(certificate: { key: string; cert: string }): Promise<number> {
      const tls = createTlsServer(certificate, (socket) => {
        const upstream = connect(server.port, server.host);
        socket.pipe(upstream).pipe(socket);
        socket.on('error', () => upstream.destroy());
        upstream.on('error', () => socket.destroy());
      });
      await new Promise<void>((resolve) => tls.listen(0, '127.0.0.1', resolve));
      onTestFinished(() => void tls.close());
      return (tls.address() as AddressInfo).port;
    }
    const reasonOf = async (changes: Record<string, unknown>): Promise<string> => {
      const { outcome } = await run({ operation: 'count', index }, { target: target(changes) });
      return outcome.state === 'Succeeded' ? outcome.state : `${outcome.reason}: ${outcome.message}`;
    };

    it('verifies the certificate and its host as the task asks', async () => {
      const [own, other] = await Promise.all([createCertificate(), createCertificate('127.0.0.9')]);
      const [port, elsewhere] = await Promise.all([proxy(own), proxy(other)]);
      expect(await reasonOf({ port, protocol: 'https' })).toMatch(
        /^ConnectionFailed: connection failed: .*certificate/,
      );
      expect(await reasonOf({ port, ca: own.cert })).toBe('Succeeded');
      expect(await reasonOf({ port, protocol: 'https', verify_ssl: false })).toBe('Succeeded');
      expect(await reasonOf({ port, sslmode: 'require' })).toBe('Succeeded');
      expect(await reasonOf({ port: elsewhere, sslmode: 'verify-full', ca: other.cert })).toMatch(
        /^ConnectionFailed: .*altnames/,
      );
      expect(await reasonOf({ port: elsewhere, sslmode: 'verify-ca', ca: other.cert })).toBe('Succeeded');
      expect(await reasonOf({ port: elsewhere, sslmode: 'verify-ca', ca: own.cert })).toMatch(/^ConnectionFailed: /);
      expect(await reasonOf({ port })).toMatch(/^ConnectionFailed: connection failed: /);
    });
  });
});
