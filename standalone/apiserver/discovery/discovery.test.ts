import { describe, expect, it } from 'vitest';
import { builtinDefinitions } from '../builtin/builtin-definitions.ts';
import { definitionOf, readCrd } from '../schema/testing/crd-files.ts';
import { aggregatedDiscovery, wantsAggregated } from './aggregated-discovery.ts';
import { compareVersions } from './group-versions.ts';
import { apiGroup, apiGroupList, apiResourceList, apiVersions } from './legacy-discovery.ts';

const definitions = [...builtinDefinitions, definitionOf(readCrd('deploytasks')), definitionOf(readCrd('agents'))];
const V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

describe('Discovery', () => {
  it('names groups, versions and kinds', () => {
    expect(apiVersions(definitions)).toMatchObject({ versions: ['v1'] });
    expect(apiGroupList(definitions)).toMatchObject({ kind: 'APIGroupList', apiVersion: 'v1' });
    expect(apiGroup(definitions, 'tiangong.io')).toMatchObject({
      preferredVersion: { groupVersion: 'tiangong.io/v1alpha1', version: 'v1alpha1' },
    });
    expect(apiGroup(definitions, 'nope')).toBeUndefined();
    expect(apiGroup(definitions, '')).toBeUndefined();
  });

  it('tells of each kind what kubectl calls it and what it can be asked', () => {
    const { resources } = apiResourceList(definitions, 'tiangong.io', 'v1alpha1') as { resources: object[] };
    expect(resources).toMatchObject([
      { name: 'agents', singularName: 'agent', kind: 'Agent', shortNames: ['ag'], categories: ['tiangong'] },
      { name: 'agents/status', singularName: '', verbs: ['get', 'patch', 'update'] },
      { name: 'deploytasks', namespaced: true, shortNames: ['dt'], storageVersionHash: expect.any(String) as string },
      { name: 'deploytasks/status', kind: 'DeployTask' },
    ]);
    expect(apiResourceList(definitions, 'tiangong.io', 'v9')).toBeUndefined();
  });

  it('puts all into one document for those that ask for it', () => {
    const { body, etag, contentType } = aggregatedDiscovery(definitions, false);
    const { items } = JSON.parse(body) as { items: { metadata: { name: string } }[] };
    expect(items.map(({ metadata }) => metadata.name)).toContain('tiangong.io');
    expect(contentType).toBe(V2);
    expect(etag).toBe(aggregatedDiscovery(definitions, false).etag);
    expect(etag).not.toBe(aggregatedDiscovery(definitions.slice(1, -1), false).etag);
    const core = JSON.parse(aggregatedDiscovery(definitions, true).body) as { items: object[] };
    expect(core.items).toHaveLength(1);
  });

  it.each([
    [`${V2},application/json`, true],
    [`application/json, ${V2}`, false],
    ['application/json', false],
    ['*/*', false],
    ['', false],
    ['application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json', false],
  ])('reads the Accept header %j', (accept, aggregated) => {
    expect(wantsAggregated(accept)).toBe(aggregated);
  });

  it('orders versions as Kubernetes prefers them', () => {
    const versions = ['foo', 'v1alpha1', 'v2', 'v10', 'v1beta2', 'v1', 'v11alpha2', 'bar'];
    expect(versions.sort(compareVersions)).toEqual([
      'v10',
      'v2',
      'v1',
      'v1beta2',
      'v11alpha2',
      'v1alpha1',
      'bar',
      'foo',
    ]);
  });
});
