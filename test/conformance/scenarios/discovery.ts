import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';

const AGGREGATED =
  'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json';

interface Resources {
  readonly resources: readonly { readonly name: string }[];
}

async function resourcesOf(api: Api, path: string): Promise<Resources> {
  const answer = await api.get(path, { differences: ['storageVersionHash', 'servedResources'] });
  expect(answer.status).toBe(200);
  return answer.body as unknown as Resources;
}

export const discovery: Record<string, Scenario> = {
  'lists the resources of our group with short names, categories and verbs': async (api) => {
    const { resources } = await resourcesOf(api, '/apis/tiangong.io/v1alpha1');
    const kinds = ['agentpools', 'agents', 'deploytasks', 'syncpushers', 'syncsources', 'synctasks'];
    expect(resources.map(({ name }) => name).sort()).toEqual(kinds.flatMap((name) => [name, `${name}/status`]));
    expect(resources.find(({ name }) => name === 'deploytasks')).toMatchObject({
      singularName: 'deploytask',
      shortNames: ['dt'],
      categories: ['tiangong'],
    });
  },
  'describes our group': async (api) => {
    const answer = await api.get('/apis/tiangong.io');
    expect(answer.body).toMatchObject({ kind: 'APIGroup', preferredVersion: { groupVersion: 'tiangong.io/v1alpha1' } });
  },
  'lists the groups that it serves': async (api) => {
    const answer = await api.get('/apis', { differences: ['servedGroups'] });
    const groups = (answer.body['groups'] as { name: string }[]).map(({ name }) => name);
    expect(groups).toEqual(expect.arrayContaining(['tiangong.io', 'coordination.k8s.io', 'apiextensions.k8s.io']));
  },
  'names the versions of the core group': async (api) => {
    const answer = await api.get('/api', { differences: ['serverAddress'] });
    expect(answer.body).toMatchObject({ kind: 'APIVersions', versions: ['v1'] });
  },
  'lists the core resources that it serves as a real server does': async (api) => {
    const { resources } = await resourcesOf(api, '/api/v1');
    const names = resources.map(({ name }) => name);
    expect(names).toEqual(
      expect.arrayContaining(['configmaps', 'events', 'namespaces', 'namespaces/status', 'secrets', 'serviceaccounts']),
    );
  },
  'lists leases': async (api) => {
    await resourcesOf(api, '/apis/coordination.k8s.io/v1');
  },
  'lists events of the new group': async (api) => {
    await resourcesOf(api, '/apis/events.k8s.io/v1');
  },
  'lists custom resource definitions': async (api) => {
    await resourcesOf(api, '/apis/apiextensions.k8s.io/v1');
  },
  'lists reviews': async (api) => {
    await resourcesOf(api, '/apis/authorization.k8s.io/v1');
    await resourcesOf(api, '/apis/authentication.k8s.io/v1');
  },
  'answers aggregated discovery, which kubectl asks for first': async (api) => {
    for (const path of ['/api', '/apis']) {
      const answer = await api.get(path, { accept: AGGREGATED, differences: ['aggregatedDiscovery'] });
      expect(answer.headers['content-type']).toBe(
        'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList',
      );
      expect(answer.body.kind).toBe('APIGroupDiscoveryList');
    }
  },
  'says its version, its health and the paths of its root': async (api) => {
    const version = await api.get('/version', { differences: ['buildOfServer'] });
    expect(version.body).toMatchObject({ major: '1', minor: '36' });
    for (const path of ['/healthz', '/readyz', '/livez']) expect((await api.get(path)).text).toBe('ok');
  },
  'answers unknown groups, versions and resources with 404': async (api) => {
    for (const path of ['/apis/nope', '/apis/nope/v1', '/apis/tiangong.io/v9', '/nope', '/api/v2']) {
      expect((await api.get(path)).status).toBe(404);
    }
    expect((await api.get(api.own('nopes'))).status).toBe(404);
    expect((await api.get(api.core('nopes'))).status).toBe(404);
  },
};
