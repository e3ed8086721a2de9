import express from 'express';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RouteTable } from './route-table.ts';

const ROUTES = {
  'GET /api/tasks': 'list',
  'POST /api/tasks': 'create',
  'GET /api/tasks/{id}': 'one',
  'GET /api/tasks/special': 'special',
  'GET /api/tasks/{id}/logs': 'logs',
};

describe('RouteTable', () => {
  const table = new RouteTable(ROUTES);
  let server: ReturnType<ReturnType<typeof express>['listen']>;
  let url: string;

  beforeAll(async () => {
    const app = express();
    // In the order in which express has to have them.
    for (const route of ['GET /api/tasks/special', ...Object.keys(ROUTES)]) {
      const [method = '', path = ''] = route.split(' ');
      const name = ROUTES[route as keyof typeof ROUTES];
      const answer = (req: express.Request, res: express.Response): void =>
        void res.json({ route: name, params: req.params });
      const pattern = path.replaceAll(/\{(\w+)\}/g, ':$1');
      if (method === 'GET') app.get(pattern, answer);
      else app.post(pattern, answer);
    }
    await new Promise<void>((resolve) => (server = app.listen(0, '127.0.0.1', () => resolve())));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());

  it.each([
    ...['/api/tasks', '/api/tasks/', '/API/Tasks', '/api/tasks//', '//api/tasks', '/api/tasks/x', '/api/tasks/x/'],
    ...['/api/tasks/special', '/api/tasks/Special', '/api/tasks/x%2Fy', '/api/tasks/x%2Flogs', '/api/tasks/x/logs'],
    ...[
      '/api/%74asks',
      '/api/tasks/%E6%95%B0',
      '/api/tasks/a:b',
      '/api/tasks/x/other',
      '/api',
      '/',
      '/api/tasks/x//logs',
    ],
    '/api/tasks/__proto__',
  ])('finds for %s what express does', async (path) => {
    const response = await fetch(url + path);
    const match = table.find('GET', path);
    if (response.status === 404) expect(match).toBeUndefined();
    else expect({ route: match?.value, params: match?.params }).toEqual(await response.json());
  });

  it('takes HEAD for GET, and knows what else a path has', () => {
    expect(table.find('HEAD', '/api/tasks')?.value).toBe('list');
    expect(table.find('PUT', '/api/tasks')).toBeUndefined();
    expect(table.methods('/api/tasks')).toEqual(['GET', 'POST']);
    expect(table.methods('/api/other')).toEqual([]);
  });

  it('refuses broken percent-encoding', () => {
    expect(() => table.find('GET', '/api/tasks/%ff')).toThrow(URIError);
  });
});
