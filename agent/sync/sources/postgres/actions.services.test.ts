import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { SourceReader } from '../../conformance/source-reader.ts';
import type { ActionInput, ActionResult } from '../../driver-action.ts';
import type { SourceActionName, SourceConfig } from '../../source.ts';
import { actions } from './actions.ts';
import { OpenSource } from './testing/open-source.ts';
import { PostgresWorld } from './testing/postgres-world.ts';

describe.skipIf(!hasServices('postgres'))('the wizard of postgres', () => {
  let world: PostgresWorld;
  let agent: string;
  const secret = "pa55'word-of-the-agent";

  beforeEach(async () => {
    world = await PostgresWorld.create(await service('postgres'));
    agent = `${world.name}_agent`;
    await world.query('CREATE SCHEMA shop; CREATE TABLE shop.orders (id bigint PRIMARY KEY, data jsonb, tags text[])');
    await world.query('CREATE TABLE public.keyless (n integer)');
  });
  afterEach(async () => {
    const [isThere] = (await world?.administrate(`SELECT FROM pg_roles WHERE rolname = '${agent}'`)) ?? [];
    if (isThere !== undefined) await world.administrate(`DROP OWNED BY ${agent}`, `DROP ROLE ${agent}`);
    await world?.close();
  });

  const input = (changes: Partial<ActionInput> = {}): ActionInput => ({
    uri: world.config().uri,
    adminCreds: { data: { user: world.server.user, passwd: world.server.password }, allowedHosts: undefined },
    credential: { data: { user: agent, passwd: secret }, allowedHosts: undefined },
    driverParams: {},
    ...changes,
  });
  const run = (name: SourceActionName, changes?: Partial<ActionInput>): Promise<ActionResult> =>
    actions[name](input(changes), new AbortController().signal);
  const asAgent = (): Partial<SourceConfig> => ({ credential: input().credential });

  it('looks at the server and finds its fields', async () => {
    expect(await run('test_connection')).toEqual({ success: true, message: '数据库连接成功。' });
    expect(await run('check_params')).toEqual({
      success: true,
      message: '运行时参数有效。以下表没有主键或复制标识，不会被同步: public.keyless',
    });
    expect(await run('discover_fields_no_cache')).toEqual({
      success: true,
      message: '成功发现 3 个可用字段。',
      fields: {
        properties: {
          'shop.orders.id': { type: 'integer', column_index: 0 },
          'shop.orders.data': { type: 'object', column_index: 1 },
          'shop.orders.tags': { type: 'array', column_index: 2 },
        },
      },
    });
  });

  it('says what is missing', async () => {
    expect(await run('test_connection', { adminCreds: undefined })).toEqual({
      success: false,
      message: "缺少 'uri' 或 'admin_creds' 参数",
    });
    expect(await run('create_agent_user', { credential: undefined })).toMatchObject({ success: false });
    const keyless = await run('check_params', { driverParams: { tables: ['public.keyless'] } });
    expect(keyless).toMatchObject({ success: false, message: expect.stringContaining('public.keyless') });
    const nowhere = await run('check_params', { driverParams: { tables: ['public.nothing'] } });
    expect(nowhere).toMatchObject({ success: false, message: expect.stringContaining('public.nothing') });
    const invalid = await run('test_connection', { uri: 'user:pa55@host' });
    expect(invalid).toMatchObject({ success: false, message: expect.not.stringContaining('pa55') });
  });

  it('makes a login that has just the rights that a sync needs', async () => {
    expect(await run('check_privileges')).toMatchObject({
      success: false,
      message: expect.not.stringContaining(secret),
    });
    expect(await run('create_agent_user')).toEqual({ success: true, message: `用户 '${agent}' 已成功创建或验证。` });
    expect(await run('create_agent_user')).toMatchObject({ success: true });
    expect(await run('check_privileges')).toEqual({ success: true, message: `用户 '${agent}' 权限充足。` });
    const open = new OpenSource(world, asAgent());
    const reader = await SourceReader.open(open.source);
    await world.query(`INSERT INTO shop.orders VALUES (1, '{"a": 1}', '{x}')`);
    await reader.until((entries) => entries.some(({ event }) => event?.table === 'orders'));
    expect((await open.chunks()).flatMap(({ rows }) => rows)).toEqual([{ id: 1, data: { a: 1 }, tags: ['x'] }]);
    await reader.stop();
    await open.close();
  });

  it('adds tables that came later, and tells who may not what to run', async () => {
    expect(await run('create_agent_user')).toMatchObject({ success: true });
    await world.query('CREATE TABLE shop.later (id integer PRIMARY KEY)');
    expect(await run('check_params', { driverParams: { tables: ['shop.*'] } })).toMatchObject({ success: true });
    const restricted = new OpenSource(world, asAgent());
    const reader = await SourceReader.open(restricted.source);
    expect(reader.failure).toBeUndefined();
    await reader.stop();
    await restricted.close();
    expect(await run('create_agent_user')).toMatchObject({ success: true });
    const published = await world.values(`SELECT tablename FROM pg_publication_tables ORDER BY 1`);
    expect(published).toEqual(['later', 'orders']);
  });

  it('does not read a table in part whose rows are hidden from the login', async () => {
    expect(await run('create_agent_user')).toMatchObject({ success: true });
    await world.query('ALTER TABLE shop.orders ENABLE ROW LEVEL SECURITY');
    const open = new OpenSource(world, asAgent());
    await expect(open.chunks()).rejects.toMatchObject({ reason: 'PrivilegeMissing', retryable: false });
    await open.close();
  });

  it('reads by TLS, and checks with whom', async () => {
    const { caFile = '', port } = world.server;
    const ca = readFileSync(caFile, 'utf8');
    const encrypted = { uri: `localhost:${port}/${world.name}`, driverParams: { tls: { mode: 'verify-full', ca } } };
    const open = new OpenSource(world, encrypted);
    const reader = await SourceReader.open(open.source);
    expect(reader.failure).toBeUndefined();
    expect(
      await world.values(
        `SELECT DISTINCT ssl FROM pg_stat_replication JOIN pg_stat_ssl USING (pid) WHERE usename = '${world.name}'`,
      ),
    ).toEqual([true]);
    await reader.stop();
    await open.close();
    const other = new OpenSource(world, { driverParams: { tls: { mode: 'verify-full', ca } } });
    expect((await SourceReader.open(other.source)).failure).toMatchObject({ reason: 'ConnectionFailed' });
    await other.source.close();
  });
});
