import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { HttpTransport } from '../../kube/http-transport.ts';
import { readRbacTable } from '../../scripts/rbac-table.ts';
import type { ComponentRole, Right } from '../../scripts/rbac-table.ts';
import { hasHelm } from '../chart/helm-binaries.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { hasCluster } from '../kubernetes/shared.ts';
import { installRelease } from './release.ts';
import type { Release } from './release.ts';
import { SERVED_VERBS, mayDo, rightsOf } from './try-right.ts';

const { components, people } = readRbacTable();
const LEVELS = ['view', 'edit', 'admin'] as const;

const titleOf = ({ verbs, group, resources, names = [] }: Right): string =>
  `${verbs.join(', ')} ${resources.join(', ')}${group === '' ? '' : `.${group}`}${names.length === 0 ? '' : ` named ${names.join(', ')}`}`;

const expandNames = ({ names }: Right): string[] | undefined =>
  names?.map((name) => name.replace('<fullname>', 'tiangong'));

const isFor = (right: Right, name: string): boolean => expandNames(right)?.includes(name) ?? true;

/** What nobody can do to a subresource. */
const OF_WHOLE_OBJECTS: readonly string[] = ['create', 'delete', 'deletecollection', 'list', 'watch'];

/** The rules as `rightsOf` writes them. */
const asTexts = (rules: readonly Right[]): string[] => {
  const texts = rules.flatMap((rule) =>
    rule.verbs.flatMap((verb) =>
      rule.resources.flatMap((resource) =>
        (expandNames(rule) ?? ['']).map((name) => `${verb} ${rule.group}/${resource} ${name}`.trim()),
      ),
    ),
  );
  return [...new Set(texts)].sort();
};

describe.skipIf(!hasCluster() || !hasHelm())('the rights that the chart gives', () => {
  let cluster: Cluster;
  let release: Release;
  const connections = new Map<string, HttpTransport>();

  beforeAll(async () => {
    cluster = await startCluster({ controllerManager: ['clusterrole-aggregation-controller'] });
    release = await installRelease(cluster, 'home');
    for (const component of new Set(components.map((role) => role.component)))
      connections.set(component, await release.connect('home', `tiangong-${component}`));
    for (const level of LEVELS) {
      await release.person(level, { [release.watched]: level });
      connections.set(level, await release.connect('people', level));
    }
    const admin = connections.get('admin')!;
    const attempt = { verb: 'list', group: 'tiangong.io', resource: 'auditrecords', namespace: release.watched };
    await vi.waitFor(async () => expect(await mayDo(admin, attempt)).toBe(true));
  });
  afterAll(async () => {
    await Promise.all([...connections.values()].map((connection) => connection.close()));
    await cluster?.stop();
  });

  const namespacesOf = (where: ComponentRole['where']): string[] => {
    if (where === 'watched') return [release.home, release.watched];
    return [{ home: release.home, pods: release.home, hold: release.watched, host: release.host }[where]];
  };

  /** What somebody may do in a namespace, by the table. */
  function rulesIn(component: string, namespace: string): readonly Right[] {
    return components
      .filter((role) => role.component === component && namespacesOf(role.where).includes(namespace))
      .flatMap(({ rules }) => rules);
  }

  /** Tries every verb on the line's resources: what no line gives is refused. */
  async function tryLine(who: string, right: Right, namespace: string, all: readonly Right[]): Promise<void> {
    const caller = connections.get(who)!;
    const { group } = right;
    for (const resource of right.resources) {
      const lines = all.filter((line) => line.group === group && line.resources.includes(resource));
      for (const verb of new Set([...SERVED_VERBS, ...right.verbs])) {
        if (resource.includes('/') && OF_WHOLE_OBJECTS.includes(verb) && !right.verbs.includes(verb)) continue;
        for (const name of ['any', ...(expandNames(right) ?? [])]) {
          const expected = lines.some((line) => line.verbs.includes(verb) && isFor(line, name));
          const attempt = { verb, group, resource, namespace, name };
          expect(await mayDo(caller, attempt), `${verb} ${resource} ${name} in ${namespace}`).toBe(expected);
        }
      }
    }
  }

  describe.each([...new Set(components.map((role) => role.component))])('%s', (component) => {
    for (const { where, rules } of components.filter((role) => role.component === component))
      for (const right of rules)
        it(`may, in ${where}, ${titleOf(right)}; no other verb, and nowhere else`, async () => {
          for (const namespace of namespacesOf(where))
            await tryLine(component, right, namespace, rulesIn(component, namespace));
          for (const namespace of [release.home, release.watched, release.host, release.foreign, 'kube-system'])
            if (!namespacesOf(where).includes(namespace))
              await tryLine(component, right, namespace, rulesIn(component, namespace));
        });

    it('has no other right in any namespace', async () => {
      const caller = connections.get(component)!;
      const basic = await rightsOf(caller, 'kube-system');
      for (const namespace of [release.home, release.watched, release.host, release.foreign]) {
        const rights = (await rightsOf(caller, namespace)).filter((right) => !basic.includes(right));
        expect(rights, namespace).toEqual(asTexts(rulesIn(component, namespace)));
      }
      const mayReview = component === 'api';
      expect(basic.includes('create authentication.k8s.io/tokenreviews')).toBe(mayReview);
      expect(basic.includes('create authorization.k8s.io/subjectaccessreviews')).toBe(mayReview);
    });
  });

  describe.each(people)('people of role $role', ({ role, rules }) => {
    /** A role has what those below it have. */
    const rightsAt = (level: number): readonly Right[] =>
      people.filter(({ role: other }) => LEVELS.indexOf(other) <= level).flatMap((entry) => entry.rules);
    const level = LEVELS.indexOf(role);

    for (const right of rules)
      it(`may ${titleOf(right)}; those of the roles below may not`, async () => {
        for (const [index, who] of LEVELS.entries()) {
          await tryLine(who, right, release.watched, rightsAt(index));
          await tryLine(who, right, release.foreign, []);
        }
      });

    it('have no other right on what is ours', async () => {
      const rights = (await rightsOf(connections.get(role)!, release.watched)).filter((right) =>
        right.includes('tiangong.io/'),
      );
      expect(rights).toEqual(asTexts(rightsAt(level)));
    });
  });

  it('let no person give agents the nodes themselves, but administrators of the cluster', async () => {
    const attempt = { verb: 'hostaccess', group: 'tiangong.io', resource: 'agentpools', namespace: release.watched };
    for (const level of LEVELS) expect(await mayDo(connections.get(level)!, attempt)).toBe(false);
  });

  it('can be had without those that Kubernetes gives to people of the same role', async () => {
    for (const [index, level] of LEVELS.entries()) {
      await release.person(`own-${level}`, { home: `tiangong.home.${level}` });
      const caller = await release.connect('people', `own-${level}`);
      const basic = await rightsOf(caller, 'kube-system');
      const rights = (await rightsOf(caller, 'home')).filter((right) => !basic.includes(right));
      expect(rights).toEqual(asTexts(people.slice(0, index + 1).flatMap(({ rules }) => rules)));
      await caller.close();
    }
  });

  it('are those of the ServiceAccounts in the namespace of host access, too, for agents alone', async () => {
    const agent = await release.connect(release.host, 'tiangong-agent');
    const operator = await release.connect(release.host, 'tiangong-operator');
    try {
      const attempt = { verb: 'list', group: 'tiangong.io', resource: 'deploytasks', namespace: release.watched };
      expect(await mayDo(agent, attempt)).toBe(true);
      expect(await mayDo(operator, attempt)).toBe(false);
    } finally {
      await Promise.all([agent.close(), operator.close()]);
    }
  });
});
