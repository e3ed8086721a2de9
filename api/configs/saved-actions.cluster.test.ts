import { ulid } from 'ulid';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { deployTasks, secrets, syncPushers } from '../../kube/resource.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { ApiUnderTest } from '../../test/api/api-under-test.ts';
import type { Answer } from '../../test/api/api-under-test.ts';
import { hasCluster, sharedCluster } from '../../test/kubernetes/shared.ts';

/** Whatever an answer holds: what it is is what is tested. */
type Json = ReturnType<typeof JSON.parse>;

const fields = { type: 'object', properties: { 'events.id': { type: 'integer' } }, required: ['events.id'] };
const discovered = { properties: { 'd.t.id': { type: 'string', column_index: 0 } } };

describe.skipIf(!hasCluster())('the actions of saved configurations', () => {
  let api: ApiUnderTest;
  const call = (method: string, path: string, body?: unknown): Promise<Answer<Json>> =>
    api.call<Json>(method, `/api/configs${path}`, body);

  /** Plays operator and agent for the next action that is asked for; resolves with what the agent was given. */
  async function act(
    result: object,
  ): Promise<{ params: Json; login: Record<string, string>; admin: Record<string, string> }> {
    const task = await vi.waitUntil(async (): Promise<DeployTask | undefined> =>
      (await api.client.list(deployTasks, api.namespace)).items.find(({ status }) => status?.state === undefined),
    );
    const params: Json = task.spec.params;
    const secretOf = async (ref: string | undefined): Promise<Record<string, string>> => {
      if (ref === undefined) return {};
      const { data = {} } = await api.client.get(secrets, api.namespace, ref);
      return Object.fromEntries(
        Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]),
      );
    };
    const seen = {
      params: { command: task.spec.command, ...params },
      login: await secretOf(params.secret_ref),
      admin: await secretOf(params.target?.secret_ref),
    };
    await api.run(task.metadata.name, 'doer');
    const text = JSON.stringify({ success: true, message: 'ok', ...result });
    await api.finish(task.metadata.name, 'Succeeded', { result: { text, bytes: text.length } });
    return seen;
  }

  beforeAll(async () => {
    api = await ApiUnderTest.start(await sharedCluster());
    await api.addAgent('doer', { taskTypes: ['shell', 'sync-action'] });
    await vi.waitUntil(() => api.api.isReady);
    const login = { user: 'repl', passwd: 'hunter2-of-the-source' };
    await call('POST', '/sources/s1', { config: { driver: 'mysql', uri: 'db:3306', credential: login } });
    const pusher = { driver: 'openapi', endpoint: 'http://c/openapi.json', credential: { key: 'key-of-the-pusher' } };
    await call('POST', '/pushers/p1', { config: pusher });
  });
  afterAll(() => api?.stop());

  it('ask the consumer of a pusher for the fields that it needs, with its login', async () => {
    for (const path of ['/api/configs', '/api/drivers']) {
      const acted = act({ fields });
      const answer = await api.call('GET', `${path}/pushers/p1/_actions/get_needed_fields`);
      expect(answer).toMatchObject({ status: 200, body: fields });
      const { params, login } = await acted;
      expect(params).toMatchObject({
        command: 'discover_fields',
        driver: 'openapi',
        endpoint: 'http://c/openapi.json',
      });
      expect(login).toEqual({ api_key: 'key-of-the-pusher' });
    }
    const acted = act({ success: false, message: '连接失败' });
    expect(await call('GET', '/pushers/p1/_actions/get_needed_fields')).toMatchObject({
      status: 400,
      body: { detail: '连接失败' },
    });
    await acted;
    expect(await call('GET', '/pushers/none/_actions/get_needed_fields')).toMatchObject({ status: 404 });
  });

  it('check a pusher that is saved', async () => {
    for (const action of ['test_connection', 'check_privileges']) {
      const acted = act({ success: action === 'test_connection', message: 'as the agent says' });
      expect(await call('POST', `/pushers/p1/_actions/${action}`)).toMatchObject({
        status: 200,
        body: { success: action === 'test_connection', message: 'as the agent says' },
      });
      expect((await acted).params.command).toBe(action);
    }
  });

  it('discover the fields of a source, as an administrator or with its own login, and keep them', async () => {
    const own = act({ fields: discovered });
    expect(await call('POST', '/sources/s1/_actions/discover_and_cache_fields')).toMatchObject({
      status: 200,
      body: { message: 'Fields discovered and cached successfully.' },
    });
    expect((await own).admin).toEqual({ passwd: 'hunter2-of-the-source' });
    for (const path of ['/api/configs', '/api/drivers'])
      expect((await api.call('GET', `${path}/sources/s1/_actions/get_available_fields`)).body).toEqual(discovered);
    expect(await call('POST', '/sources/s1/_actions/enable')).toMatchObject({ status: 200 });

    const admin = act({ fields: { properties: {} } });
    const body = { admin_user: 'root', admin_password: 'hunter2-of-root' };
    expect((await call('POST', '/sources/s1/_actions/discover_and_cache_fields', body)).status).toBe(200);
    expect((await admin).admin).toEqual({ passwd: 'hunter2-of-root' });
    expect((await call('GET', '/sources/s1/_actions/get_available_fields')).body).toEqual({ properties: {} });
    expect(JSON.stringify(api.log)).not.toContain('hunter2');
  });

  it('load what can be mapped to what', async () => {
    const acted = act({ fields });
    const ids = { source_id: 's1', pusher_id: 'p1' };
    expect((await call('POST', '/syncs/_actions/load_fields_for_mapping', ids)).body).toEqual({
      source_schema: { properties: {} },
      pusher_schema: fields,
    });
    await acted;
    expect(await call('POST', '/syncs/_actions/load_fields_for_mapping', { source_id: 's1' })).toMatchObject({
      status: 422,
    });
  });

  it('name a Secret of the user, and do not copy it', async () => {
    const own = `own-${ulid().toLowerCase()}`;
    const spec = { driver: 'openapi', endpoint: 'http://c', secret_ref: own };
    await api.client.create(syncPushers, api.namespace, { metadata: { name: own }, spec });
    await api.client.create(secrets, api.namespace, {
      metadata: { name: own },
      type: 'tiangong.io/credential',
      stringData: { key: 'k' },
    });
    const acted = act({});
    expect((await call('POST', `/pushers/${own}/_actions/test_connection`)).status).toBe(200);
    expect((await acted).params.secret_ref).toBe(own);
  });

  it('offer what is enabled to the wizard of syncs', async () => {
    const { body } = await call('GET', '/syncs/wizard');
    expect(body.steps.map(({ step_id }: { step_id: string }) => step_id)).toEqual([
      'initial_selection',
      'field_mapping',
      'advanced_settings',
    ]);
    const { source, pusher } = body.steps[0].schema.properties;
    expect([source.enum, pusher.enum]).toEqual([['s1'], []]);
  });
});
