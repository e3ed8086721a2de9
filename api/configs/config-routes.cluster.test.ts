import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

const credential = { user: 'repl', passwd: 'hunter2-of-the-source' };
const source = { driver: 'mysql', uri: 'db.example:3306', credential };
const pusher = {
  driver: 'openapi',
  endpoint: 'http://c.example/openapi.json',
  credential: { key: 'key-of-the-pusher' },
};
const fields = { properties: { 'd.t.id': { type: 'string', column_index: 0 } } };

/** Whatever an answer holds: what it is is what is tested. */
type Json = ReturnType<typeof JSON.parse>;

describe.skipIf(!hasCluster())('the routes of configurations', () => {
  let api: ApiUnderTest;
  let number = 0;
  const call = (method: string, path: string, body?: unknown): Promise<Answer<Json>> =>
    api.call<Json>(method, `/api/configs${path}`, body);
  const fresh = (word: string): string => `${word}${(number += 1)}`;

  /** A source, a pusher and a sync between them, enabled unless said otherwise; their ids. */
  async function make(disabled = false): Promise<{ s: string; p: string; t: string }> {
    const [s, p, t] = [fresh('s'), fresh('p'), fresh('t')];
    expect((await call('POST', `/sources/${s}`, { config: { ...source, disabled } })).status).toBe(201);
    expect((await call('POST', `/pushers/${p}`, { config: { ...pusher, disabled } })).status).toBe(201);
    expect((await call('POST', `/syncs/${t}`, { source: s, pusher: p, disabled })).status).toBe(201);
    return { s, p, t };
  }

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await vi.waitUntil(() => api.api.isReady);
  });
  afterAll(() => api?.stop());

  it('add a source, disabled and with the defaults of the original', async () => {
    const first = fresh('first');
    const answer = await call('POST', `/sources/${first}`, { config: source, discovered_fields: fields });
    expect(answer).toMatchObject({ status: 201 });
    const config = {
      driver: 'mysql',
      uri: 'db.example:3306',
      credential: { user: 'repl', passwd: '***' },
      max_queue_size: 1000,
      max_retries: 10,
      retry_delay_sec: 5,
      disabled: true,
      driver_params: {},
    };
    expect(answer.body).toEqual({ id: first, config });
    expect((await call('GET', `/sources/${first}`)).body).toEqual({ id: first, config });
    expect((await call('GET', '/sources/')).body).toMatchObject({ [first]: config });
    expect((await call('GET', '/sources')).body).toMatchObject({ [first]: config });
    expect((await call('GET', '/')).body).toMatchObject({ sources: { [first]: config }, pushers: {}, syncs: {} });
    expect((await call('GET', `/sources/${first}/_actions/get_available_fields`)).body).toEqual(fields);
  });

  it('add a pusher and a sync, in the shapes of the original', async () => {
    const { s, p, t } = await make(true);
    expect((await call('GET', `/pushers/${p}`)).body.config).toEqual({
      driver: 'openapi',
      endpoint: 'http://c.example/openapi.json',
      credential: { user: null, key: '***' },
      batch_size: 100,
      max_retries: 10,
      retry_delay_sec: 5,
      disabled: true,
      driver_params: null,
    });
    const config = { source: s, pusher: p, disabled: true, fields_mapping: [] };
    expect((await call('GET', `/syncs/${t}/`)).body).toEqual({ id: t, config });
    expect((await call('GET', '/syncs/')).body[t]).toEqual(config);
  });

  it('keep logins in Secrets that go with their configuration, and show them nowhere', async () => {
    const { s, p } = await make();
    const { spec, metadata } = await api.client.get(syncSources, api.namespace, s);
    const secret = await api.client.get(secrets, api.namespace, spec.secret_ref ?? '');
    expect(secret.type).toBe('tiangong.io/credential');
    expect(Buffer.from(secret.data?.['passwd'] ?? '', 'base64').toString()).toBe(credential.passwd);
    expect(secret.metadata.ownerReferences).toMatchObject([{ kind: 'SyncSource', uid: metadata.uid }]);
    const shown = JSON.stringify([
      (await call('GET', '/')).body,
      await api.client.get(syncSources, api.namespace, s),
      await api.client.get(syncPushers, api.namespace, p),
      api.log,
    ]);
    expect(shown).not.toContain(credential.passwd);
    expect(shown).not.toContain(pusher.credential.key);
    await call('DELETE', `/sources/${s}`);
    const { items } = await api.client.list(secrets, api.namespace);
    expect(items.map(({ metadata: { name } }) => name)).not.toContain(spec.secret_ref);
  });

  it('refuse an id that is taken, and take one that was just deleted', async () => {
    const { s, p, t } = await make();
    const taken = (title: string, id: string): object => ({
      status: 400,
      body: { detail: `${title} config with name '${id}' already exists.` },
    });
    expect(await call('POST', `/sources/${s}`, { config: source })).toMatchObject(taken('Source', s));
    expect(await call('POST', `/pushers/${p}`, { config: pusher })).toMatchObject(taken('Pusher', p));
    expect(await call('POST', `/syncs/${t}`, { source: s, pusher: p })).toMatchObject(taken('Sync', t));
    expect(await call('DELETE', `/syncs/${t}`)).toMatchObject({ status: 204, body: null });
    expect(await call('GET', `/syncs/${t}`)).toMatchObject({ status: 404 });
    expect(await call('POST', `/syncs/${t}`, { source: s, pusher: p })).toMatchObject({ status: 201 });
  });

  it('add one of several that are sent at once under one id, and keep no login of the others', async () => {
    const id = fresh('at-once');
    const before = (await api.client.list(secrets, api.namespace)).items.length;
    const answers = await Promise.all(
      ['a', 'b', 'c', 'd'].map((passwd) =>
        call('POST', `/sources/${id}`, { config: { ...source, credential: { user: 'u', passwd } } }),
      ),
    );
    expect(answers.map(({ status }) => status).sort()).toEqual([201, 400, 400, 400]);
    const { items } = await api.client.list(secrets, api.namespace);
    expect(items.length).toBe(before + 1);
    const { spec } = await api.client.get(syncSources, api.namespace, id);
    const winner = answers.findIndex(({ status }) => status === 201);
    const secret = items.find(({ metadata }) => metadata.name === spec.secret_ref);
    expect(Buffer.from(secret?.data?.['passwd'] ?? '', 'base64').toString()).toBe('abcd'[winner]);
  });

  it('refuse logins in addresses and parameters, and numbers that are not positive', async () => {
    const refused = async (side: string, config: object, detail: string): Promise<void> => {
      const answer = await call('POST', `/${side}/refused`, { config });
      expect(answer, detail).toMatchObject({ status: 400, body: { code: 'InvalidConfig' } });
      expect(answer.body.detail).toContain(detail);
      expect(JSON.stringify(answer.body)).not.toContain('hunter2');
    };
    await refused('sources', { ...source, uri: 'http://u:hunter2@h' }, 'uri may hold no login');
    await refused('sources', { ...source, uri: 'u:hunter2@h:3306' }, 'uri may hold no login');
    await refused('pushers', { ...pusher, endpoint: ' https://u:hunter2@h/x' }, 'endpoint may hold no login');
    const nested = { queue: { options: { Secret_Access_Key: 'hunter2' } } };
    await refused('sources', { ...source, driver_params: nested }, 'driver_params.queue.options.Secret_Access_Key');
    await refused('pushers', { ...pusher, batch_size: 0 }, 'batch_size must be positive');
    await refused('sources', { ...source, max_queue_size: -1 }, 'max_queue_size must be positive');
    await refused('sources', { ...source, driver: '' }, 'spec.driver');
    expect(await call('POST', `/sources/${'x'.repeat(254)}`, { config: source })).toMatchObject({ status: 400 });
    expect(await call('POST', '/syncs/wizard', { source: 's', pusher: 'p' })).toMatchObject({ status: 400 });
  });

  it('take for gone what is still being deleted, and make it again once it is gone', async () => {
    const { s, p, t } = await make();
    await api.client.patch(syncTasks, api.namespace, t, { metadata: { finalizers: ['tiangong.io/test'] } });
    expect(await call('DELETE', `/syncs/${t}`)).toMatchObject({ status: 204 });
    expect(await call('GET', `/syncs/${t}`)).toMatchObject({ status: 404 });
    expect((await call('GET', '/syncs')).body).not.toHaveProperty(t);
    expect(await call('DELETE', `/syncs/${t}`)).toMatchObject({
      status: 404,
      body: { detail: `Sync config with id '${t}' not found.` },
    });
    const again = call('POST', `/syncs/${t}`, { source: s, pusher: p });
    await api.client.patch(syncTasks, api.namespace, t, { metadata: { finalizers: null } });
    expect(await again).toMatchObject({ status: 201 });
  });

  it('know configurations by ids that are no names of objects', async () => {
    for (const id of ['My Source', '数据源', 'a/b', 'UPPER']) {
      const path = `/sources/${encodeURIComponent(id)}`;
      expect((await call('POST', path, { config: source })).body).toMatchObject({ id });
      expect((await call('GET', path)).body).toMatchObject({ id });
      expect((await call('GET', '/sources')).body).toHaveProperty([id]);
      await call('POST', '/pushers/of-ids', { config: pusher });
      const added = await call('POST', `/syncs/${encodeURIComponent(id)}`, { source: id, pusher: 'of-ids' });
      expect(added.body).toMatchObject({ id, config: { source: id } });
      expect(await call('DELETE', path)).toMatchObject({ status: 204 });
      expect(await call('GET', `/syncs/${encodeURIComponent(id)}`)).toMatchObject({ status: 404 });
    }
  });

  it('delete the syncs of a source or pusher that is deleted', async () => {
    const { s, p, t } = await make();
    const other = await make();
    expect(await call('DELETE', `/sources/${s}`)).toMatchObject({ status: 204, body: null });
    expect(await call('GET', `/syncs/${t}`)).toMatchObject({ status: 404 });
    expect(await call('DELETE', `/pushers/${other.p}`)).toMatchObject({ status: 204 });
    expect(await call('GET', `/syncs/${other.t}`)).toMatchObject({ status: 404 });
    expect(await call('GET', `/sources/${other.s}`)).toMatchObject({ status: 200 });
    expect(await call('GET', `/pushers/${p}`)).toMatchObject({ status: 200 });
    expect(await call('DELETE', `/sources/${s}`)).toMatchObject({
      status: 404,
      body: { detail: `Source config with id '${s}' not found.`, code: 'ConfigNotFound' },
    });
  });

  it('leave no sync of a source that is deleted while the sync is added', async () => {
    await call('POST', '/pushers/stays', { config: pusher });
    const ids = Array.from({ length: 20 }, (_, i) => `fleeting-${i}`);
    for (const id of ids) await call('POST', `/sources/${id}`, { config: source });
    for (const id of ids)
      await Promise.all([
        call('POST', `/syncs/${id}`, { source: id, pusher: 'stays' }),
        call('DELETE', `/sources/${id}`),
      ]);
    const { items } = await api.client.list(syncTasks, api.namespace);
    expect(items.map(({ spec }) => spec.source).filter((name) => ids.includes(name))).toEqual([]);
  });

  it('enable and disable, each in its own words', async () => {
    const { s, p, t } = await make(true);
    const says = (message: string): object => ({ status: 200, body: { message } });
    expect(await call('POST', `/sources/${s}/_actions/enable`)).toMatchObject({
      status: 409,
      body: {
        detail: expect.stringContaining(`Cannot enable source '${s}': Schema cache is not validated.`) as string,
      },
    });
    await call('PUT', `/sources/${s}`, { config: source, discovered_fields: fields });
    expect(await call('POST', `/syncs/${t}/_actions/enable`)).toMatchObject({
      status: 400,
      body: { detail: `Source '${s}' for sync '${t}' is disabled. Please enable the source first.` },
    });
    expect((await call('GET', `/syncs/${t}`)).body.config.disabled).toBe(true);
    expect(await call('POST', `/sources/${s}/_actions/enable`)).toEqual(
      expect.objectContaining(says(`Source config '${s}' enabled successfully.`)),
    );
    expect(await call('POST', `/pushers/${p}/_actions/enable/`)).toMatchObject(
      says(`Pusher config '${p}' enabled successfully.`),
    );
    expect(await call('POST', `/syncs/${t}/_actions/enable`)).toMatchObject(
      says(`Sync config '${t}' enabled successfully.`),
    );
    expect((await call('GET', `/syncs/${t}`)).body.config.disabled).toBe(false);
    expect(await call('POST', `/syncs/${t}/_actions/disable`)).toMatchObject({ status: 204, body: null });
    expect(await call('POST', `/sources/${s}/_actions/disable`)).toMatchObject(
      says(`Source config '${s}' disabled successfully.`),
    );
    expect(await call('POST', '/pushers/none/_actions/enable')).toMatchObject({ status: 404 });
  });

  it('let a source of files be enabled at once, since its fields are known', async () => {
    const id = fresh('files');
    const config = { driver: 'fs', uri: '/data', credential: { user: 'fs-user', passwd: null } };
    const added = await call('POST', `/sources/${id}`, { config });
    expect(added.body.config.credential).toEqual({ user: 'fs-user', passwd: null });
    expect(await call('POST', `/sources/${id}/_actions/enable`)).toMatchObject({ status: 200 });
    const { body } = await call('GET', `/sources/${id}/_actions/get_available_fields`);
    expect(Object.keys(body.properties)).toEqual(['file_path', 'size', 'modified_time', 'created_time']);
  });

  it('clean up what is disabled and not used', async () => {
    const used = await make(true);
    const enabled = await make();
    const unused = fresh('unused');
    expect((await call('POST', `/sources/${unused}`, { config: source })).status).toBe(201);
    await call('DELETE', `/syncs/${enabled.t}`);
    const { body } = await call('POST', '/sources/_actions/cleanup');
    expect(body.deleted_ids).toContain(unused);
    expect(body.deleted_ids).not.toContain(used.s);
    expect(body.deleted_ids).not.toContain(enabled.s);
    const { deleted_count } = body;
    expect(deleted_count).toBe(body.deleted_ids.length);
    expect(body.message).toBe(`Cleanup successful. Deleted ${deleted_count} obsolete source configurations.`);
    expect((await call('POST', '/sources/_actions/cleanup')).body).toEqual({
      message: 'Cleanup successful. Deleted 0 obsolete source configurations.',
      deleted_count: 0,
      deleted_ids: [],
    });
    expect((await call('POST', '/pushers/_actions/cleanup')).body.message).toContain('obsolete pusher configurations.');
  });

  it('show what came by kubectl, and write what kubectl shows', async () => {
    const spec = { driver: 'fs', uri: '/data', secret_ref: 'own', disabled: false };
    const id = fresh('by-kubectl');
    await api.client.create(syncSources, api.namespace, { metadata: { name: id }, spec });
    const { body } = await call('GET', `/sources/${id}`);
    expect(body.config).toMatchObject({ driver: 'fs', credential: null, secret_ref: 'own', disabled: false });
    expect(await call('PUT', `/sources/${id}`, { config: { ...body.config, uri: '/other' } })).toMatchObject({
      status: 200,
    });
    const changed = await api.client.get(syncSources, api.namespace, id);
    expect(changed.spec).toMatchObject({ uri: '/other', secret_ref: 'own', disabled: false });
  });

  it('answer with the shape of the original for what is not there', async () => {
    expect(await call('GET', '/nothing')).toMatchObject({ status: 404, body: { detail: 'Not Found' } });
    expect(await call('PATCH', '/sources/x')).toMatchObject({ status: 405, body: { detail: 'Method Not Allowed' } });
    expect(await api.call('GET', '/api/v1/nothing')).toMatchObject({
      status: 404,
      body: { error: 'there is no such page' },
    });
    expect(await api.call('GET', '/api/nothing')).toMatchObject({ status: 404, body: { code: 'RouteNotFound' } });
  });
});
