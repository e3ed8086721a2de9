import { describe, expect, it } from 'vitest';
import { readOpenApi } from '../openapi.ts';
import type { Attributes } from './attributes.ts';
import { OPEN_ROUTES, ROUTE_RIGHTS } from './route-rights.ts';
import { RouteTable } from './route-table.ts';

const METHODS = ['get', 'put', 'post', 'delete'] as const;
const contract = Object.entries(readOpenApi().paths).flatMap(([path, item]) =>
  METHODS.filter((method) => item[method] !== undefined).map((method) => `${method.toUpperCase()} ${path}`),
);

const table = new RouteTable(ROUTE_RIGHTS);
function rights(method: string, path: string): readonly Attributes[] {
  const match = table.find(method, path);
  if (match === undefined) throw new Error(`no line for ${method} ${path}`);
  return match.value({ params: match.params, homeNamespace: 'home' });
}

describe('ROUTE_RIGHTS', () => {
  it.each(contract)('has a line for %s', (route) => {
    expect(OPEN_ROUTES.has(route) || route in ROUTE_RIGHTS).toBe(true);
  });

  it('asks for a right on every route that changes something', () => {
    for (const [route, needs] of Object.entries(ROUTE_RIGHTS))
      if (!route.startsWith('GET ')) expect(needs({ params: { id: 'x' }, homeNamespace: 'home' })).not.toEqual([]);
  });

  it('asks about a task in its own namespace', () => {
    const x = { resource: 'deploytasks', namespace: 'team-a', name: 'x' };
    expect(rights('GET', '/api/v1/tasks/team-a:x')).toEqual([{ verb: 'get', ...x }]);
    expect(rights('GET', '/api/v1/tasks/team-a%3Ax')).toEqual([{ verb: 'get', ...x }]);
    expect(rights('POST', '/api/v1/tasks/team-a:x/approve')).toEqual([{ verb: 'approve', ...x }]);
    expect(rights('HEAD', '/api/v1/tasks/team-a:x/logs')).toEqual([{ verb: 'get', subresource: 'log', ...x }]);
    expect(rights('POST', '/api/v1/tasks/team-a:x/rollback')).toEqual([
      { verb: 'create', resource: 'deploytasks', namespace: 'team-a' },
      { verb: 'get', ...x },
      { verb: 'get', subresource: 'log', ...x },
    ]);
    expect(rights('DELETE', '/api/v1/tasks/x')).toEqual([
      { verb: 'delete', resource: 'deploytasks', namespace: 'home', name: 'x' },
    ]);
  });

  it('asks about no object when the id can be none', () => {
    expect(rights('GET', '/api/v1/tasks/..%2Fx')).toEqual([
      { verb: 'get', resource: 'deploytasks', namespace: 'home' },
    ]);
  });

  it('asks about a configuration by the name of its object', () => {
    const [right] = rights('PUT', '/api/configs/sources/My Source');
    expect(right).toMatchObject({ verb: 'update', resource: 'syncsources', namespace: 'home' });
    expect(right).toHaveProperty('name', expect.stringMatching(/^my-source-[0-9a-f]{16}$/));
  });

  it('asks for every kind that a route shows or uses', () => {
    const of = (attributes: readonly Attributes[]): string[] =>
      attributes.map((one) => ('path' in one ? one.path : `${one.verb} ${one.resource}`));
    expect(of(rights('GET', '/api/configs'))).toEqual(['list syncsources', 'list syncpushers', 'list synctasks']);
    expect(of(rights('POST', '/api/v1/files/f/distribute'))).toEqual(['create deploytasks', 'get files']);
    expect(of(rights('GET', '/api/metrics'))).toEqual(['/metrics']);
  });
});
