import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, configMap, task } from '../objects.ts';

async function names(api: Api, path: string, query: Record<string, string>): Promise<readonly (string | undefined)[]> {
  const answer = await api.get(path, { query });
  expect(answer.status).toBe(200);
  return (answer.body.items ?? []).map(({ metadata }) => metadata.name);
}

const LABELS: Record<string, Record<string, string>> = {
  a: { role: 'db', tier: '1' },
  b: { role: 'web', tier: '2' },
  c: { 'example.com/role': 'db' },
  d: {},
};

const SELECTED: Record<string, readonly string[]> = {
  'role=db': ['a'],
  'role==db': ['a'],
  'role!=db': ['b', 'c', 'd'],
  role: ['a', 'b'],
  '!role': ['c', 'd'],
  'role in (db, web)': ['a', 'b'],
  'role notin (db)': ['b', 'c', 'd'],
  'role,tier=2': ['b'],
  'example.com/role=db': ['c'],
  'tier>1': ['b'],
  'tier<2': ['a'],
  'role in (db),role notin (db)': [],
  'role=': [],
  ' role = db , tier in ( 1 ) ': ['a'],
  '': ['a', 'b', 'c', 'd'],
};

export const selectors: Record<string, Scenario> = {
  'selects by labels': async (api) => {
    for (const [name, labels] of Object.entries(LABELS)) await api.post(api.own('agents'), agent(name, {}, { labels }));
    for (const [labelSelector, expected] of Object.entries(SELECTED)) {
      expect([labelSelector, await names(api, api.own('agents'), { labelSelector })]).toEqual([
        labelSelector,
        expected,
      ]);
    }
    for (const labelSelector of [
      'role in db',
      'a b',
      '=x',
      'role=a=b',
      'role in (',
      '!',
      'tier>x',
      '-bad=x',
      'a/b/c',
      'a=not good',
      'role,',
      ',',
    ]) {
      await api.get(api.own('agents'), { query: { labelSelector } });
    }
  },
  'selects by the fields that the definition names': async (api) => {
    await api.post(api.own('deploytasks'), task('a'));
    await api.post(api.own('deploytasks'), task('b', { agent: 'agent-2', type: 'mysql' }));
    await api.patch(api.own('deploytasks', 'b/status'), { status: assigned('agent-2') });
    const path = api.own('deploytasks');
    const cases: Record<string, readonly string[]> = {
      'spec.agent=agent-1': ['a'],
      'spec.agent!=agent-1': ['b'],
      'spec.type==mysql': ['b'],
      'status.state=Assigned': ['b'],
      'status.state!=Assigned': ['a'],
      'status.state=': ['a'],
      'status.assignment.agent=agent-2,status.state!=Failed': ['b'],
      'metadata.name=a': ['a'],
      'metadata.name=a,spec.agent=agent-2': [],
      [`metadata.namespace=${api.namespace}`]: ['a', 'b'],
      'metadata.namespace=other': [],
    };
    for (const [fieldSelector, expected] of Object.entries(cases)) {
      expect([fieldSelector, await names(api, path, { fieldSelector })]).toEqual([fieldSelector, expected]);
    }
    for (const fieldSelector of [
      'spec.command=x',
      'spec.agent',
      'spec.agent in (a)',
      'spec.agent=a=b',
      'nope=1',
      'spec.agent>1',
    ]) {
      expect((await api.get(path, { query: { fieldSelector } })).status).toBe(400);
    }
  },
  'selects built-in kinds by name and namespace': async (api) => {
    await api.post(api.core('configmaps'), configMap('a'));
    await api.post(api.core('secrets'), { metadata: { name: 'a' }, type: 'tiangong.io/credential' });
    await api.post(api.core('secrets'), { metadata: { name: 'b' } });
    expect(await names(api, api.core('configmaps'), { fieldSelector: 'metadata.name=a' })).toEqual(['a']);
    expect(await names(api, api.core('secrets'), { fieldSelector: 'type=tiangong.io/credential' })).toEqual(['a']);
    expect(await names(api, '/api/v1/secrets', { fieldSelector: `metadata.namespace=${api.namespace}` })).toEqual([
      'a',
      'b',
    ]);
    for (const path of [
      api.core('configmaps'),
      api.core('secrets'),
      api.lease(),
      '/api/v1/namespaces',
      api.own('agents'),
    ]) {
      expect((await api.get(path, { query: { fieldSelector: 'spec.nope=1' } })).status).toBe(400);
    }
    await api.get('/api/v1/namespaces', {
      query: { fieldSelector: `metadata.name=${api.namespace},status.phase=Active` },
    });
  },
};
