import { expect } from 'vitest';
import type { Answer, Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';
import { agent, assigned, configMap, lease, secret, task } from '../objects.ts';

const TABLE =
  'application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json';

const table = (api: Api, path: string, query: Record<string, string> = {}): Promise<Answer> =>
  api.get(path, { accept: TABLE, query, differences: ['ages'] });

const builtinTable = (api: Api, path: string): Promise<Answer> =>
  api.get(path, { accept: TABLE, differences: ['ages', 'builtinDescriptions'] });

interface Table {
  readonly columnDefinitions: readonly { readonly name: string }[];
  readonly rows: readonly { readonly cells: readonly unknown[]; readonly object?: unknown }[];
}

export const tables: Record<string, Scenario> = {
  'shows the columns of the definition': async (api) => {
    await api.post(api.own('deploytasks'), task('one'));
    await api.post(api.own('deploytasks'), task('two', { type: 'api', command: 'GET', params: { url: 'http://h/' } }));
    const condition = {
      type: 'Succeeded',
      status: 'False',
      reason: 'CommandFailed',
      message: 'exit status 1',
      lastTransitionTime: '2026-01-01T00:00:00Z',
    };
    await api.patch(api.own('deploytasks', 'one/status'), { status: assigned('agent-1') });
    await api.patch(api.own('deploytasks', 'one/status'), {
      status: { state: 'Failed', duration: '1.5s', startTime: new Date().toISOString(), conditions: [condition] },
    });
    const answer = await table(api, api.own('deploytasks'));
    const { columnDefinitions, rows } = answer.body as unknown as Table;
    expect(columnDefinitions.map(({ name }) => name)).toEqual([
      'Name',
      'Type',
      'Agent',
      'State',
      'Reason',
      'Age',
      'Started',
      'Duration',
      'Message',
    ]);
    expect(rows[0]?.cells.slice(0, 5)).toEqual(['one', 'shell', 'agent-1', 'Failed', 'CommandFailed']);
    expect(rows[1]?.cells.slice(0, 5)).toEqual(
      ['two', 'api', null, null, null]
        .map((cell) => cell ?? expect.anything())
        .slice(0, 2)
        .concat([expect.toSatisfy(() => true), expect.toSatisfy(() => true), expect.toSatisfy(() => true)]),
    );
    await table(api, api.own('deploytasks', 'one'));
    await table(api, api.own('deploytasks', 'one'), { includeObject: 'Object' });
    await table(api, api.own('deploytasks', 'one'), { includeObject: 'None' });
    await table(api, api.own('deploytasks'), { limit: '1' });
    await table(api, api.own('deploytasks', 'none'));
    await table(api, api.own('deploytasks', 'one'), { includeObject: 'Some' });
  },
  'shows agents, with conditions and lists in cells': async (api) => {
    await api.post(api.own('agents'), agent('one', { unschedulable: true }));
    await api.patch(api.own('agents', 'one/status'), {
      status: {
        taskTypes: ['shell', 'api'],
        hostname: 'h',
        conditions: [
          { type: 'Other', status: 'False', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
          { type: 'Online', status: 'True', reason: 'R', message: '', lastTransitionTime: '2026-01-01T00:00:00Z' },
        ],
      },
    });
    const answer = await table(api, api.own('agents'));
    expect((answer.body as unknown as Table).rows[0]?.cells.slice(0, 3)).toEqual(['one', 'True', 'h']);
  },
  'shows built-in kinds as a real server does': async (api) => {
    await api.post(api.core('configmaps'), configMap('one', { a: '1', b: '2' }));
    await api.post(api.core('secrets'), secret('one', { type: 'tiangong.io/credential', stringData: { a: '1' } }));
    await api.post(api.lease(), lease('one', { holderIdentity: 'me' }));
    await api.post(api.lease(), lease('two'));
    for (const path of [api.core('configmaps'), api.core('secrets'), api.lease()]) {
      expect((await builtinTable(api, path)).body.kind).toBe('Table');
    }
    await builtinTable(api, `/api/v1/namespaces/${api.namespace}`);
  },
  'answers with lists of metadata alone': async (api) => {
    await api.post(api.own('agents'), agent('one', {}, { labels: { a: 'b' } }));
    const accept = (kind: string): string => `application/json;as=${kind};g=meta.k8s.io;v=v1`;
    const list = await api.get(api.own('agents'), { accept: accept('PartialObjectMetadataList') });
    expect(list.body.kind).toBe('PartialObjectMetadataList');
    const one = await api.get(api.own('agents', 'one'), { accept: accept('PartialObjectMetadata') });
    expect(one.body).not.toHaveProperty('spec');
  },
};
