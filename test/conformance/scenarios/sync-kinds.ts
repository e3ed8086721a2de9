import { expect } from 'vitest';
import type { Api } from '../api.ts';
import type { Scenario } from '../describe-conformance.ts';

type Plural = 'syncsources' | 'syncpushers' | 'synctasks';

const KINDS = { syncsources: 'SyncSource', syncpushers: 'SyncPusher', synctasks: 'SyncTask' } as const;

const SPECS = {
  syncsources: { driver: 'fs', uri: '/srv/files' },
  syncpushers: { driver: 'openapi', endpoint: 'http://consumer/openapi.json' },
  synctasks: { source: 's1', pusher: 'p1' },
} as const;

const object = (plural: Plural, name: string, spec: object = {}): object => ({
  apiVersion: 'tiangong.io/v1alpha1',
  kind: KINDS[plural],
  metadata: { name },
  spec: { ...SPECS[plural], ...spec },
});

const refused: readonly (readonly [what: string, plural: Plural, spec: object])[] = [
  ['a source without uri', 'syncsources', { uri: undefined }],
  ['a source with a queue of nothing', 'syncsources', { max_queue_size: 0 }],
  ['a source with a login in its address', 'syncsources', { uri: 'mysql://u:p@host:3306' }],
  ['a source with a login in an address that is no URL', 'syncsources', { uri: 'u:p@host:3306' }],
  ['a source with a login beside it', 'syncsources', { credential: { user: 'u', passwd: 'p' } }],
  ['a source with a login among the parameters', 'syncsources', { driver_params: { passwd: 'p' } }],
  ['a source with an empty id', 'syncsources', { id: '' }],
  ['a pusher without endpoint', 'syncpushers', { endpoint: undefined }],
  ['a pusher with batches of nothing', 'syncpushers', { batch_size: 0 }],
  ['a pusher with a login in its address', 'syncpushers', { endpoint: 'https://u:p@consumer/' }],
  ['a pusher with a login beside it', 'syncpushers', { credential: { key: 'k' } }],
  ['a pusher with a login among the parameters', 'syncpushers', { driver_params: { token: 't' } }],
  ['a task without source', 'synctasks', { source: undefined }],
  ['a task in a state that is none', 'synctasks', { desiredState: 'Paused' }],
  ['a task with a policy that is none', 'synctasks', { onPositionLost: 'Ignore' }],
  ['a mapping to nothing', 'synctasks', { fields_mapping: [{ to: '', source: ['a'] }] }],
  ['a mapping from nothing named', 'synctasks', { fields_mapping: [{ to: 'events.a' }] }],
];

const defaults: Readonly<Record<Plural, object>> = {
  syncsources: { max_queue_size: 1000, max_retries: 10, retry_delay_sec: 5, disabled: true, driver_params: {} },
  syncpushers: { batch_size: 100, max_retries: 10, retry_delay_sec: 5, disabled: true, driver_params: {} },
  synctasks: { disabled: true, desiredState: 'Stopped', fields_mapping: [], onPositionLost: 'Snapshot' },
};

const assignment = (epoch: number): object => ({ agent: 'a', instance: 'i', epoch, time: '2026-01-02T03:04:05Z' });

const setStatus = (api: Api, status: object): ReturnType<Api['patch']> =>
  api.patch(api.own('synctasks', 't1/status'), { status });

export const syncKinds: Record<string, Scenario> = {
  ...Object.fromEntries(
    refused.map(([what, plural, spec]): [string, Scenario] => [
      `refuses ${what}`,
      async (api) => {
        expect((await api.post(api.own(plural), object(plural, 'bad', spec))).status).toBe(422);
      },
    ]),
  ),
  ...Object.fromEntries(
    Object.entries(defaults).map(([plural, spec]): [string, Scenario] => [
      `gives ${plural} the originals' defaults`,
      async (api) => {
        const made = await api.post(api.own(plural), object(plural as Plural, 'o1'));
        expect(made.status).toBe(201);
        expect(made.body).toMatchObject({ spec });
      },
    ]),
  ),
  'keeps what drivers alone know': async (api) => {
    const spec = { driver_params: { index_name: 'logs', deep: { list: [1, 'x'] } } };
    const made = await api.post(api.own('syncsources'), object('syncsources', 's1', spec));
    expect(made.body).toMatchObject({ spec });
  },
  'keeps an id as it is': async (api) => {
    await api.post(api.own('syncsources'), object('syncsources', 's1', { id: 'My Source' }));
    const change = (spec: object): ReturnType<Api['patch']> => api.patch(api.own('syncsources', 's1'), { spec });
    expect((await change({ id: 'Other' })).status).toBe(422);
    expect((await change({ id: null })).status).toBe(422);
    expect((await change({ disabled: false })).status).toBe(200);
  },
  'never lets an epoch fall, nor an assignment be of another': async (api) => {
    await api.post(api.own('synctasks'), object('synctasks', 't1'));
    expect((await setStatus(api, { epoch: 2, assignment: assignment(2), state: 'STARTING' })).status).toBe(200);
    expect((await setStatus(api, { epoch: 1, assignment: assignment(1) })).status).toBe(422);
    expect((await setStatus(api, { epoch: 3 })).status).toBe(422);
    expect((await setStatus(api, { epoch: null, assignment: null })).status).toBe(422);
    expect((await setStatus(api, { assignment: null, state: 'STOPPED' })).status).toBe(200);
    expect((await setStatus(api, { epoch: 3, assignment: assignment(3) })).status).toBe(200);
  },
  'knows the states of a sync': async (api) => {
    await api.post(api.own('synctasks'), object('synctasks', 't1'));
    for (const state of ['STOPPED', 'STARTING', 'SNAPSHOT_SYNC|MESSAGE_SYNC|RUNNING_CONF_OUTDATE', 'ERROR'])
      expect((await setStatus(api, { state })).status).toBe(200);
    for (const state of ['stopped', 'STOPPED|ERROR', 'MESSAGE_SYNC|', ''])
      expect((await setStatus(api, { state })).status).toBe(422);
  },
  'finds the tasks of an agent and of a source': async (api) => {
    await api.post(api.own('synctasks'), object('synctasks', 't1'));
    await api.post(api.own('synctasks'), object('synctasks', 't2', { source: 's2' }));
    await setStatus(api, { epoch: 1, assignment: assignment(1) });
    const found = async (selector: string): Promise<unknown> =>
      (await api.get(`${api.own('synctasks')}?fieldSelector=${encodeURIComponent(selector)}`)).body;
    expect(await found('status.assignment.agent=a')).toMatchObject({ items: [{ metadata: { name: 't1' } }] });
    expect(await found('spec.source=s2')).toMatchObject({ items: [{ metadata: { name: 't2' } }] });
  },
};
