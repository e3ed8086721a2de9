import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { hasHelm } from '../chart/helm-binaries.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { startAttackedRelease } from './attacked-release.ts';
import type { AttackedRelease } from './attacked-release.ts';
import { rawRequest } from './raw-request.ts';
import type { RawAnswer } from './raw-request.ts';

const REQUESTS = 10_000;
const AT_ONCE = 32;
/** What REST answers to who may do nothing, or sends nonsense. */
const REFUSALS = [400, 401, 403, 404, 405, 408, 413, 414, 415, 417, 422, 426, 429, 431, 501];
/** Of one process, in kB: a program that keeps what it is sent would be far above. */
const MAX_RSS_KB = 400_000;

const METHODS = ['GET', 'POST', 'PUT', 'DELETE', 'PATCH', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND'];
const PATHS = [
  ...['/api/v1/tasks', '/api/v1/tasks/x/approve', '/api/v1/tasks/x/rollback', '/api/v1/files', '/api/v1/agents/x'],
  ...['/api/v1/audit', '/api/configs', '/api/configs/sources/x', '/api/instances/_actions/apply_changes', '/api/logs'],
  ...['/api/drivers/sources/mysql/_actions/test_connection', '/internal/tasks/x/secret?ref=y', '/internal/sync-logs'],
  ...['/internal/tasks/x/1/result/0', '/metrics', '/nonsense', '//', '/..%2f..%2f', '/api/v1/tasks/%', '/%00', '*'],
  ...[
    'http://169.254.169.254/',
    `/${'a/'.repeat(2000)}`,
    `/api/v1/tasks?${'a=b&'.repeat(2000)}`,
    '/api/v1/tasks?limit=-1',
  ],
];
const HEADERS = [
  ...[
    'Authorization: Bearer x',
    'Authorization: Bearer e30.e30.e30',
    'Authorization: Basic cm9vdDpyb290',
    'Authorization:',
  ],
  ...['Content-Type: application/xml', 'Content-Encoding: gzip', 'Content-Encoding: zstd', 'Expect: 100-continue'],
  ...['Upgrade: websocket', 'Origin: https://evil.example.com', 'X-Forwarded-For: 127.0.0.1', 'X-Remote-User: admin'],
  ...['Impersonate-User: admin', 'Idempotency-Key: x', `Cookie: ${'c=d; '.repeat(500)}`, 'Range: bytes=0-,5-,-1'],
  ...['Last-Event-ID: -9', 'X-HTTP-Method-Override: DELETE', 'Content-Type: multipart/form-data', 'X-Request-Id: \xff'],
];
/** What is no HTTP, or hardly. */
const BROKEN = [
  ...[
    'Transfer-Encoding: chunked',
    'Transfer-Encoding: gzip, chunked',
    'Content-Length: 5',
    'Content-Length: 999999999999',
  ],
  ...[
    'Content-Length: -1',
    'Expect: x',
    'Host: evil.example.com',
    `X-Long: ${'y'.repeat(20_000)}`,
    'X Broken: y',
    'no colon',
  ],
];
const BODIES = [
  ...[
    '',
    '{',
    '{}',
    '[]',
    'null',
    '{"agent_id":"x","type":"shell","command":"id"}',
    '{"__proto__":{"x":1}}',
    '\x1f\x8b\x08junk',
  ],
  ...[
    '5\r\nhello\r\n0\r\n\r\n',
    'ZZZZ\r\n',
    `{"a":"${'z'.repeat(50_000)}"}`,
    '['.repeat(20_000),
    '\xff\xfe',
    'GET / HTTP/1.1\r\n\r\n',
  ],
];

interface Hostile {
  readonly method: string;
  readonly path: string;
  readonly version: string;
  readonly headers: readonly string[];
  readonly body: string;
  /** Shows the token of an agent, which may read tasks. */
  readonly stolen: boolean;
}

/** Most are what HTTP is, so that they come as far as the API. Made of a seed, so that a run that fails can be repeated. */
const requests: readonly Hostile[] = fc.sample(
  fc
    .tuple(fc.nat(9), fc.constantFrom(...METHODS), fc.constantFrom(...PATHS), fc.constantFrom(...BODIES))
    .chain(([luck, method, path, body]): fc.Arbitrary<Hostile> =>
      luck === 0
        ? fc.record({
            ...{ method: fc.constantFrom(method, 'get', 'G\x00T', 'X'.repeat(90)), path: fc.constant(path) },
            version: fc.constantFrom('HTTP/1.1', 'HTTP/1.0', 'HTTP/9', ''),
            headers: fc.uniqueArray(fc.constantFrom(...HEADERS, ...BROKEN), { maxLength: 5 }),
            ...{ body: fc.constant(body), stolen: fc.constant(false) },
          })
        : fc.record({
            ...{ method: fc.constant(method), path: fc.constant(path), version: fc.constant('HTTP/1.1') },
            headers: fc
              .uniqueArray(fc.constantFrom(...HEADERS), { maxLength: 4, selector: (header) => header.split(':')[0] })
              .map((headers) => [...headers, `Content-Length: ${Buffer.byteLength(body, 'latin1')}`]),
            ...{ body: fc.constant(body), stolen: fc.boolean() },
          }),
    ),
  { numRuns: REQUESTS, seed: 20_261_122 },
);

describe.skipIf(!hasCluster() || !hasHelm())('an attacker who may do nothing', { timeout: 400_000 }, () => {
  let at: AttackedRelease;
  const rssOf = (pid: number): number =>
    Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${String(pid)}/status`, 'utf8'))?.[1] ?? 0);

  beforeAll(async () => {
    at = await startAttackedRelease();
  });
  afterAll(() => at?.stop());

  it(`sends ${REQUESTS} hostile requests, each is refused, and everybody else is served`, async () => {
    const before = (
      await at.release.admin.raw<{ items: unknown[] }>({
        method: 'GET',
        path: '/apis/tiangong.io/v1alpha1/deploytasks',
      })
    ).items.length;
    const { pid } = at.programs.api;
    const odd: object[] = [];
    const statuses = new Map<number, number>();
    let largest = 0;
    const queue = [...requests];
    const attack = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined; next = queue.pop()) {
        const { method, path, version, body, stolen } = next;
        const others = next.headers.filter((header) => !stolen || !header.startsWith('Authorization'));
        const headers = [...others, ...(stolen ? [`Authorization: Bearer ${at.tokens.stolen}`] : [])];
        const line = `${method} ${path} ${version}`;
        const answer = await rawRequest(at.programs.rest.url, line, headers, body).catch((err: unknown): RawAnswer => ({
          status: -1,
          head: String(err),
          body: '',
        }));
        statuses.set(answer.status, (statuses.get(answer.status) ?? 0) + 1);
        largest = Math.max(largest, queue.length % 100 === 0 ? rssOf(pid) : 0);
        if (!isRefused(next, answer)) odd.push({ line: line.slice(0, 200), headers: others, ...answer });
      }
    };
    // Somebody else has work to do meanwhile.
    const served = (async () => {
      for (let n = 0; n < 5; n += 1)
        expect(await at.tasks.run({ type: 'shell', command: `echo ${n}` })).toMatchObject({ result: `${n}\n` });
    })();
    await Promise.all([served, ...Array.from({ length: AT_ONCE }, attack)]);
    expect(odd.slice(0, 5), JSON.stringify([...statuses])).toEqual([]);
    for (const status of [401, 403, 404]) expect(statuses.get(status), String(status)).toBeGreaterThan(500);
    expect(largest).toBeLessThan(MAX_RSS_KB);
    expect(at.programs.api.pid).toBe(pid);
    expect(at.programs.api.log).not.toMatch(/"level":(50|60)/);
    const after = await at.release.admin.raw<{ items: unknown[] }>({
      method: 'GET',
      path: '/apis/tiangong.io/v1alpha1/deploytasks',
    });
    expect(after.items.length).toBe(before + 5);
  });

  it('has the flood on record in part, says how much is not, and has lost nothing that was done', async () => {
    const get = async (path: string): Promise<Record<string, unknown>> =>
      (await at.call(at.tokens.admin, 'GET', `/api/v1/audit${path}`)).body;
    const { records, head } = (await get('?limit=1000')) as {
      records: { code?: string; action: string; omitted?: number }[];
      head: { seq: number };
    };
    expect(head.seq).toBeLessThan(2000);
    expect(records.filter(({ action }) => action === 'createTask').length).toBeGreaterThanOrEqual(5);
    expect(records.filter(({ code }) => code === 'Unauthorized').length).toBeGreaterThan(10);
    await vi.waitFor(async () => {
      const said = ((await get('?limit=1000')) as { records: { omitted?: number }[] }).records;
      expect(said.reduce((sum, { omitted = 0 }) => sum + omitted, 0)).toBeGreaterThan(1000);
    }, 90_000);
    expect(await get('/verify')).toMatchObject({ intact: true });
  });
});

/** Refused, with an error that says so; or the server hung up on what is no HTTP; or an agent reads what it may. */
function isRefused({ method, stolen }: Hostile, { status, body }: RawAnswer): boolean {
  const reads = ['GET', 'HEAD'].includes(method);
  if (status === 0 || (status === 200 && stolen && reads)) return true;
  if (!REFUSALS.includes(status)) return false;
  // What Node's own parser refuses has no body, and what HEAD asks for has none either.
  return body === '' || body === '0\r\n\r\n' || /"code":"\w+"/.test(body);
}
