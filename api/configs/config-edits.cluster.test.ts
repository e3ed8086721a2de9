import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

const credential = { user: 'repl', passwd: 'hunter2' };
const source = { driver: 'mysql', uri: 'db.example:3306', credential };
const fields = { properties: { 'd.t.id': { type: 'string', column_index: 0 } } };

/** Whatever an answer holds: what it is is what is tested. */
type Json = ReturnType<typeof JSON.parse>;

describe.skipIf(!hasCluster())('the edits of configurations', () => {
  let api: ApiUnderTest;
  const call = (method: string, path: string, body?: unknown): Promise<Answer<Json>> =>
    api.call<Json>(method, `/api/configs${path}`, body);
  const secretOf = async (id: string): Promise<Record<string, string>> => {
    const { spec } = await api.client.get(syncSources, api.namespace, id);
    const { data = {} } = await api.client.get(secrets, api.namespace, spec.secret_ref ?? '');
    return Object.fromEntries(
      Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
    );
  };
  /** An id that no other try has used. */
  const fresh = (word: string): string => `${word}-${ulid().toLowerCase()}`;
  const namesOfSecrets = async (): Promise<string[]> =>
    (await api.client.list(secrets, api.namespace)).items.map(({ metadata: { name } }) => name);

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('leave everything as it is when what is shown is sent back', async () => {
    const id = fresh('same');
    await call('POST', `/sources/${id}`, { config: { ...source, disabled: false }, discovered_fields: fields });
    const before = await api.client.get(syncSources, api.namespace, id);
    const shown = (await call('GET', `/sources/${id}`)).body;
    expect(await call('PUT', `/sources/${id}`, { config: shown.config })).toMatchObject({ status: 200, body: shown });
    const after = await api.client.get(syncSources, api.namespace, id);
    expect(after.metadata.generation).toBe(before.metadata.generation);
    expect(after.spec).toEqual(before.spec);
    expect(await secretOf(id)).toEqual(credential);
  });

  it('put what is left out to its default, but for disabled and the login', async () => {
    const id = fresh('rest');
    const config = { ...source, disabled: false, max_queue_size: 5, driver_params: { databases: ['d'] } };
    await call('POST', `/sources/${id}`, { config });
    const { body } = await call('PUT', `/sources/${id}`, { config: { driver: 'mysql', uri: 'other.example:3306' } });
    expect(body.config).toMatchObject({
      uri: 'other.example:3306',
      max_queue_size: 1000,
      driver_params: {},
      disabled: false,
    });
    expect(body.config.credential).toEqual({ user: 'repl', passwd: '***' });
    expect(await secretOf(id)).toEqual(credential);
  });

  it('make another Secret of another login, so that the configuration changes with it', async () => {
    const id = fresh('login');
    await call('POST', `/sources/${id}`, { config: source });
    const before = await api.client.get(syncSources, api.namespace, id);
    const config = { ...source, credential: { user: 'repl', passwd: 'hunter3' } };
    expect(await call('PUT', `/sources/${id}`, { config })).toMatchObject({ status: 200 });
    const after = await api.client.get(syncSources, api.namespace, id);
    expect(after.metadata.generation).toBeGreaterThan(before.metadata.generation ?? 0);
    expect(await secretOf(id)).toEqual({ user: 'repl', passwd: 'hunter3' });
    expect(await namesOfSecrets()).not.toContain(before.spec.secret_ref);

    const renamed = { ...source, credential: { user: 'other', passwd: '***' } };
    expect((await call('PUT', `/sources/${id}`, { config: renamed })).body.config.credential.user).toBe('other');
    expect(await secretOf(id)).toEqual({ user: 'other', passwd: 'hunter3' });
  });

  it('refuse *** where there is nothing that it could stand for', async () => {
    const id = fresh('masked');
    const config = { ...source, credential: { user: 'repl', passwd: '***' } };
    const refused = { status: 400, body: { code: 'InvalidConfig', detail: expect.stringContaining('***') as string } };
    expect(await call('POST', `/sources/${id}`, { config })).toMatchObject(refused);
    await call('POST', `/sources/${id}`, { config: { ...source, credential: { user: 'repl' } } });
    expect(await call('PUT', `/sources/${id}`, { config })).toMatchObject(refused);
    expect(await call('PUT', `/sources/${id}`, { config: { ...source, credential: { key: '***' } } })).toMatchObject(
      refused,
    );
  });

  it('change to a Secret of the user and back', async () => {
    const id = fresh('own');
    await call('POST', `/sources/${id}`, { config: source });
    const before = await api.client.get(syncSources, api.namespace, id);
    const config = { driver: 'mysql', uri: 'db.example:3306', secret_ref: 'mine' };
    expect((await call('PUT', `/sources/${id}`, { config })).body.config).toMatchObject({
      credential: null,
      secret_ref: 'mine',
    });
    expect(await namesOfSecrets()).not.toContain(before.spec.secret_ref);
    expect(await call('PUT', `/sources/${id}`, { config: { ...config, credential } })).toMatchObject({ status: 400 });
    expect((await call('PUT', `/sources/${id}`, { config: source })).body.config.credential.user).toBe('repl');
    expect(await secretOf(id)).toEqual(credential);
  });

  it('keep a login that is named as kubectl shows it', async () => {
    const id = fresh('named');
    await call('POST', `/sources/${id}`, { config: source });
    const { spec } = await api.client.get(syncSources, api.namespace, id);
    const config = { driver: 'mysql', uri: 'db.example:3307', secret_ref: spec.secret_ref };
    const { body } = await call('PUT', `/sources/${id}`, { config });
    expect(body.config).toMatchObject({ uri: 'db.example:3307', credential: { user: 'repl', passwd: '***' } });
    expect(body.config).not.toHaveProperty('secret_ref');
    expect(await secretOf(id)).toEqual(credential);
  });

  it('leave no Secret behind when the configuration is refused', async () => {
    const before = await namesOfSecrets();
    const config = { ...source, retry_delay_sec: 86_401 };
    expect(await call('POST', '/sources/refused', { config })).toMatchObject({
      status: 400,
      body: { code: 'InvalidConfig', detail: expect.stringContaining('spec.retry_delay_sec') as string },
    });
    expect(await namesOfSecrets()).toEqual(before);
  });

  it('forget the fields of a source that is another one now', async () => {
    const id = fresh('moved');
    await call('POST', `/sources/${id}`, { config: source, discovered_fields: fields });
    await call('PUT', `/sources/${id}`, { config: { ...source, uri: 'elsewhere:3306' } });
    expect((await call('GET', `/sources/${id}/_actions/get_available_fields`)).body).toEqual({ properties: {} });
    expect(await call('POST', `/sources/${id}/_actions/enable`)).toMatchObject({ status: 409 });
  });

  it('change a sync, and not what runs of it', async () => {
    const [id, edited] = [fresh('of-sync'), fresh('edited')];
    await call('POST', `/sources/${id}`, { config: source });
    await call('POST', `/pushers/${id}`, {
      config: { driver: 'echo', endpoint: 'http://c', credential: { key: 'k' } },
    });
    const sync = { source: id, pusher: id, disabled: false };
    await call('POST', `/syncs/${edited}`, sync);
    await api.client.patch(syncTasks, api.namespace, edited, { spec: { desiredState: 'Running' } });
    const fields_mapping = [{ to: 'events.id', source: ['d.t.id:0'], required: true }];
    const edit = { source: id, pusher: id, fields_mapping, agent: 'a1', onPositionLost: 'Fail' };
    expect((await call('PUT', `/syncs/${edited}`, edit)).body).toEqual({
      id: edited,
      config: { ...edit, disabled: false },
    });
    const { spec } = await api.client.get(syncTasks, api.namespace, edited);
    expect(spec).toMatchObject({ desiredState: 'Running', disabled: false, agent: 'a1' });
    expect(await call('PUT', `/syncs/${edited}`, { ...edit, source: 'nope' })).toMatchObject({
      status: 404,
      body: { detail: "Dependency source 'nope' not found." },
    });
    expect(await call('POST', '/syncs/other', { ...sync, pusher: 'nope' })).toMatchObject({
      status: 404,
      body: { detail: "Dependency pusher 'nope' not found." },
    });
    expect(await call('PUT', '/syncs/none', sync)).toMatchObject({ status: 404 });
  });

  it('hold whatever else changes the object meanwhile', async () => {
    const id = fresh('busy');
    const pusher = { driver: 'echo', endpoint: 'http://c', credential: { key: 'k' } };
    expect(await call('POST', `/pushers/${id}`, { config: pusher })).toMatchObject({ status: 201 });
    const touch = async (): Promise<void> => {
      for (let i = 0; i < 20; i += 1)
        await api.client.patch(syncPushers, api.namespace, id, {
          metadata: { annotations: { touched: String(i) } },
        });
    };
    // Settled whatever comes first, so that a failure here is no failure elsewhere.
    const touching = touch().catch((err: unknown) => err);
    for (let i = 1; i <= 5; i += 1) {
      const config = { driver: 'echo', endpoint: 'http://c', credential: { user: null, key: '***' }, batch_size: i };
      expect((await call('PUT', `/pushers/${id}`, { config })).body.config.batch_size).toBe(i);
    }
    expect(await touching).toBeUndefined();
    const { metadata } = await api.client.get(syncPushers, api.namespace, id);
    expect(metadata.annotations?.['touched']).toBe('19');
  });
});
