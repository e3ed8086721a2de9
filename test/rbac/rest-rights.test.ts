import { describe, expect, it } from 'vitest';
import { ROUTE_RIGHTS } from '../../api/auth/route-rights.ts';
import { readRbacTable } from '../../scripts/rbac-table.ts';

const { people } = readRbacTable();
const REQUEST = { params: { id: 'x', name: 'x', driver: 'x', action: 'x' }, homeNamespace: 'home' };

/** The first role that may call the route; undefined: none of them. Each role has what those before it have. */
function lowestRole(route: string): string | undefined {
  const needs = ROUTE_RIGHTS[route]!(REQUEST);
  const levels = needs.map((need) => {
    if ('path' in need) return -1;
    const resource = need.subresource === undefined ? need.resource : `${need.resource}/${need.subresource}`;
    return people.findIndex(({ rules }) =>
      rules.some(
        ({ group, resources, verbs }) =>
          group === 'tiangong.io' && resources.includes(resource) && verbs.includes(need.verb),
      ),
    );
  });
  return levels.includes(-1) ? undefined : people[Math.max(0, ...levels)]?.role;
}

const routesOf = (role: string | undefined): string[] =>
  Object.keys(ROUTE_RIGHTS).filter((route) => lowestRole(route) === role);

describe('what REST asks for its callers', () => {
  it('is in the roles of people, but for the metrics of all', () => {
    expect(routesOf(undefined).filter((route) => !/metrics/i.test(route))).toEqual([]);
  });

  it('lets those who view read, and change nothing', () => {
    expect(routesOf('view').filter((route) => !route.startsWith('GET '))).toEqual([]);
    expect(routesOf('view')).toEqual(
      expect.arrayContaining(['GET /api/v1/tasks/{id}', 'GET /api/v1/tasks/{id}/logs', 'GET /api/v1/agents']),
    );
  });

  it('lets those who edit do all the rest, but for approvals, agents and the audit trail', () => {
    expect(routesOf('admin').sort()).toEqual([
      'DELETE /api/v1/agents/{id}',
      'GET /api/v1/audit',
      'GET /api/v1/audit/verify',
      'POST /api/v1/tasks/{id}/approve',
      'PUT /api/v1/agents/{id}',
    ]);
  });
});
