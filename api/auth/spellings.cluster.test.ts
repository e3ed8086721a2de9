import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import { ServiceAccounts } from '../../test/api/service-accounts.ts';
import { rawRequest } from '../../test/attacks/raw-request.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';
import { ROUTE_RIGHTS } from './route-rights.ts';

/** What the routes' parameters stand for: objects that are there, or would be. */
const EXAMPLE: Readonly<Record<string, string>> = { side: 'sources', driver: 'mysql', action: 'test_connection' };
/** Whoever is known may read these. */
const FOR_ALL = /^GET \/api\/drivers(\/\{side\}\/\{driver\}\/wizard)?$/;

/** Ways to write a path that a router, a proxy or a decoder could take for the same, or for another. */
const SPELLINGS: Readonly<Record<string, (path: string) => string>> = {
  'as it is': (path) => path,
  'in capitals': (path) => path.toUpperCase(),
  'with a slash more': (path) => `${path}/`,
  'with two slashes': (path) => path.replace(/\//g, '//'),
  'with one more slash in front': (path) => `/${path}`,
  'behind a public path': (path) => `/docs/..${path}`,
  'behind an encoded public path': (path) => `/healthz%2f..${path}`,
  'with dots within': (path) => path.replace('/api', '/api/./v1/..'),
  'with an encoded letter': (path) => path.replace('api', '%61pi'),
  'with an encoded slash': (path) => path.replace(/\/([^/]*)$/, '%2F$1'),
  'with a parameter of a part': (path) => `${path};x=/docs`,
  'with a NUL': (path) => `${path}%00`,
  'with a backslash': (path) => path.replace(/\/([^/]*)$/, '\\$1'),
  'with a fragment': (path) => `${path}#/../docs`,
  'with a query that names another': (path) => `${path}?_method=GET&path=/docs`,
  'as an absolute URL': (path) => `http://127.0.0.1${path}`,
  'as the URL of another host': (path) => `http://docs.example${path}`,
};

describe.skipIf(!hasCluster())('every route, however its path is spelled', () => {
  let api: ApiUnderTest;
  let stranger = '';

  beforeAll(async () => {
    const cluster = await sharedCluster();
    const accounts = new ServiceAccounts(cluster.client, cluster.namespace);
    api = await ApiUnderTest.start(cluster, { auth: 'kubernetes' });
    await api.addAgent('local');
    await accounts.create('stranger');
    stranger = await accounts.token('stranger');
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  /** The status of the answer to a request whose path is sent as it is given. */
  async function ask(method: string, path: string, ...headers: string[]): Promise<number> {
    const all = ['Content-Type: application/json', 'Content-Length: 2', ...headers];
    const answer = await rawRequest(api.url, `${method} ${path} HTTP/1.1`, all, '{}');
    return answer.status;
  }

  const paths = Object.keys(ROUTE_RIGHTS)
    .filter((route) => !FOR_ALL.test(route))
    .map((route) => route.split(' ') as [string, string])
    .map(
      ([method, path]) =>
        [method, path.replace(/\{(\w+)\}/g, (_all, name: string) => EXAMPLE[name] ?? 'local')] as const,
    );

  it.each(Object.entries(SPELLINGS))('refuses who has no token, and who has no right, %s', async (how, spell) => {
    const refusals = how === 'as it is' ? [] : [400, 404, 405];
    for (const [method, path] of paths) {
      for (const verb of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
        expect([401, ...refusals], `${verb} ${spell(path)}`).toContain(await ask(verb, spell(path)));
        const known = await ask(verb, spell(path), `Authorization: Bearer ${stranger}`);
        expect([403, ...refusals], `${verb} ${spell(path)}`).toContain(known);
      }
    }
  });

  it.each(Object.entries(SPELLINGS))('lets people get nothing that is for agents, %s', async (_how, spell) => {
    for (const path of ['/internal/tasks/x/secret', '/internal/tasks/x/file', '/internal/tasks/x/1/log'])
      expect([401, 400, 404], spell(path)).toContain(
        await ask('GET', spell(path), `Authorization: Bearer ${stranger}`),
      );
  });

  it.each([
    ['two headers, the first without a token', ['Authorization: Bearer', 'Authorization: Bearer TOKEN'], 401],
    ['two headers, of which the first counts', ['Authorization: Bearer TOKEN', 'Authorization: Bearer x'], 403],
    ['two tokens in one', ['Authorization: Bearer TOKEN, Bearer TOKEN'], 401],
    ['another scheme', ['Authorization: Basic TOKEN'], 401],
    ['no scheme', ['Authorization: TOKEN'], 401],
    ['a tab for a space', ['Authorization: Bearer\tTOKEN'], 401],
    ['a letter that is none of ASCII', ['Authorization: Bearer TOKEN\xe9'], 401],
    ['a token of 15 kB', [`Authorization: Bearer ${'x'.repeat(15_000)}`], 401],
    ['a token of 20 kB', [`Authorization: Bearer ${'x'.repeat(20_000)}`], 431],
    ['a token in a query', [], 401],
    ['a token in a cookie', ['Cookie: Authorization=Bearer TOKEN; token=TOKEN'], 401],
    [
      'words of impersonation',
      ['Authorization: Bearer TOKEN', 'Impersonate-User: a', 'Impersonate-Group: system:masters'],
      403,
    ],
    ['words of a proxy', ['Authorization: Bearer TOKEN', 'X-Remote-User: a', 'X-Remote-Group: system:masters'], 403],
  ])('reads who it is from one bearer token alone: %s', async (what, headers, status) => {
    const path = `/api/v1/agents${what.includes('query') ? `?access_token=${stranger}&token=${stranger}` : ''}`;
    expect(await ask('GET', path, ...headers.map((header) => header.replaceAll('TOKEN', stranger)))).toBe(status);
  });
});
