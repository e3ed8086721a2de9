import { describe, expect, it } from 'vitest';
import type { KubeObject } from '../../kube/object.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { render } from '../chart/helm.ts';
import type { ChartValues, RenderOptions } from '../chart/helm.ts';
import { MUTATING } from './release.ts';

interface RoleObject extends KubeObject {
  readonly rules: readonly {
    apiGroups?: string[];
    resources?: string[];
    verbs: string[];
    nonResourceURLs?: string[];
  }[];
}

const PEOPLE = ['tiangong.home.admin', 'tiangong.home.edit', 'tiangong.home.view'];

describe.skipIf(!hasHelm())('the roles and policies of the chart', () => {
  const namesOf = async (kind: string, values: ChartValues = {}, options: RenderOptions = {}): Promise<string[]> => {
    const objects = await render(values, { namespace: 'home', ...options });
    const own = objects.filter((object) => object.kind === kind);
    return own.map(({ metadata }) => [metadata.namespace, metadata.name].filter(Boolean).join('/')).sort();
  };

  it.each([{}, { scope: { clusterWide: true }, agents: { hostAccess: { enabled: true } } }])(
    'have no wildcard, nothing that lets rights grow, and Secrets for the API alone: %j',
    async (values) => {
      const objects = await render(values, { namespace: 'home' });
      const roles = objects.filter(({ kind = '' }) => /^(Cluster)?Role$/.test(kind)) as RoleObject[];
      expect(roles.length).toBeGreaterThan(8);
      for (const { metadata, rules } of roles)
        for (const rule of rules) {
          const words = Object.values(rule).flat();
          for (const word of ['*', 'bind', 'escalate', 'impersonate']) expect(words).not.toContain(word);
          expect(rule.nonResourceURLs).toBeUndefined();
          if (rule.resources?.includes('secrets')) expect(metadata.name).toMatch(/^tiangong(\.home\.|-)api(-home)?$/);
        }
    },
  );

  it('are of namespaces, but for the reviews of the API and for people', async () => {
    expect(await namesOf('ClusterRole')).toEqual(PEOPLE);
    expect(await namesOf('ClusterRoleBinding')).toEqual(['tiangong.home.api-auth-delegator']);
    const roles = await namesOf('Role', { scope: { namespaces: ['team-a', 'home'] } });
    expect(roles).toEqual(
      expect.arrayContaining(['home/tiangong-agent', 'home/tiangong-agent-home', 'team-a/tiangong-agent']),
    );
    expect(roles).not.toContain('team-a/tiangong-agent-home');
    expect(roles.filter((name) => name.startsWith('home-host/'))).toEqual([]);
  });

  it('are of the cluster when all namespaces are looked after', async () => {
    const values = { scope: { clusterWide: true } };
    const ofCluster = ['agent', 'api', 'cleanup', 'operator'].map((component) => `tiangong.home.${component}`);
    expect(await namesOf('ClusterRole', values)).toEqual([...PEOPLE, ...ofCluster].sort());
    expect(await namesOf('Role', values)).not.toContain('home/tiangong-agent');
    expect(await namesOf('Role', values)).toContain('home/tiangong-agent-home');
  });

  it('are left out where somebody else gives the rights', async () => {
    for (const kind of ['Role', 'RoleBinding', 'ClusterRole', 'ClusterRoleBinding'])
      expect(await namesOf(kind, { rbac: { create: false } })).toEqual([]);
  });

  it('are added to the roles of Kubernetes unless that is refused', async () => {
    const labelsOf = async (values: ChartValues): Promise<string> => {
      const objects = await render(values, { namespace: 'home' });
      return JSON.stringify(
        objects.filter(({ kind }) => kind === 'ClusterRole').map(({ metadata }) => metadata.labels),
      );
    };
    expect(await labelsOf({})).toContain('rbac.authorization.k8s.io/aggregate-to-view');
    expect(await labelsOf({ rbac: { aggregate: false } })).not.toContain('aggregate-to');
  });

  it('let nobody give agents the nodes where none is to have access to its host', async () => {
    const rolesWith = async (enabled: boolean): Promise<string[]> => {
      const objects = await render({ agents: { hostAccess: { enabled } } }, { namespace: 'home' });
      return objects
        .filter((object) => JSON.stringify((object as RoleObject).rules ?? []).includes('hostaccess'))
        .map(({ metadata }) => metadata.name);
    };
    expect(await rolesWith(false)).toEqual([]);
    expect(await rolesWith(true)).toEqual(['tiangong-pools-home']);
  });

  it('let nobody settle tasks where no policy bounds what else they write', async () => {
    const objects = await render({ policies: { create: false } }, { namespace: 'home' });
    expect(objects.some(({ kind = '' }) => kind.includes('AdmissionPolicy'))).toBe(false);
    const roles = objects.filter(({ metadata }) => PEOPLE.includes(metadata.name));
    expect(roles.length).toBe(3);
    expect(JSON.stringify(roles)).not.toContain('deploytasks/status');
  });

  it('mutate where the cluster can, or where that is said', async () => {
    const kind = 'MutatingAdmissionPolicy';
    const both = ['tiangong.home.task-approver', 'tiangong.home.task-creator'];
    expect(await namesOf(kind)).toEqual([]);
    expect(await namesOf(kind, {}, { apiVersions: [MUTATING] })).toEqual(both);
    expect(await namesOf(kind, { policies: { mutating: true } })).toEqual(both);
    expect(await namesOf(kind, { policies: { mutating: false } }, { apiVersions: [MUTATING] })).toEqual([]);
  });
});
