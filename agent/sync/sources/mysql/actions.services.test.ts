import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { ActionInput, ActionResult } from '../../driver-action.ts';
import type { SourceActionName } from '../../source.ts';
import { MysqlWorld } from './testing/mysql-world.ts';

const NAMES = [
  ...['test_connection', 'check_params', 'discover_fields_no_cache', 'create_agent_user', 'check_privileges'],
] as SourceActionName[];

describe.each(['mysql', 'mariadb'] as const)('the wizard of %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let world: MysqlWorld;
    beforeEach(async () => {
      world = await MysqlWorld.create(await service(name));
    });
    afterEach(() => world?.close());

    const act = (action: SourceActionName, changes: Partial<ActionInput> = {}): Promise<ActionResult> =>
      world.driver.actions[action]!({ ...world.actionInput, ...changes }, new AbortController().signal);
    const agent = (): string => world.actionInput.credential!.data['user']!;
    const credential = (user: string, passwd: string): NonNullable<ActionInput['credential']> => ({
      ...{ data: { user, passwd }, allowedHosts: undefined },
    });

    it('says what it has done', async () => {
      expect(await act('test_connection')).toEqual({ success: true, message: '数据库连接成功。' });
      expect(await act('check_params')).toEqual({ success: true, message: '运行时参数有效。' });
      expect(await act('create_agent_user')).toEqual({
        success: true,
        message: `用户 '${agent()}' 已成功创建或验证。`,
      });
      expect(await act('check_privileges')).toEqual({ success: true, message: `用户 '${agent()}' 权限充足。` });
    });

    it('finds the fields of the tables that are read, by their names and places', async () => {
      const at = `${world.database}.rows_`;
      expect(await act('discover_fields_no_cache')).toEqual({
        ...{ success: true, message: '成功发现 3 个可用字段。' },
        fields: {
          properties: {
            [`${at}.id`]: { type: 'string', column_index: 0 },
            [`${at}.version`]: { type: 'string', column_index: 1 },
            [`${at}.note`]: { type: 'string', column_index: 2 },
          },
        },
      });
    });

    it('makes a user that may do all that a source does', async () => {
      await act('create_agent_user');
      const config = { ...world.config, credential: world.actionInput.credential };
      const tools = { logger: undefined as never, stateFolder: '', taskUid: '' };
      const source = world.driver.open(config, tools);
      await world.put(1, 1);
      const { signal } = new AbortController();
      const snapshot = await source.openSnapshot({ wanted: undefined, after: undefined }, signal);
      expect((await snapshot.next(undefined, 10, signal))?.rows).toHaveLength(1);
      await snapshot.close();
      const stream = source.stream!({ checkpoint: undefined, afterIndex: -1 }, () => undefined, signal);
      const { value } = await stream[Symbol.asyncIterator]().next();
      expect(value?.[0]?.position).toBeDefined();
      await source.close();
    });

    it('makes the marker too, and lets the user write to it', async () => {
      const marker = `${world.database}.marker`;
      const driverParams = { ...world.config.driverParams, marker_table: marker };
      expect(await act('create_agent_user', { driverParams })).toMatchObject({ success: true });
      const [grants] = await world.pool.query(`SHOW GRANTS FOR ${agent()}@'%'`);
      expect(JSON.stringify(grants)).toMatch(/INSERT, UPDATE ON [^"]*marker/);
      const found = await act('discover_fields_no_cache', { driverParams });
      expect(Object.keys(found.fields?.properties ?? {}).join()).not.toContain('marker');
    });

    it('names the rights that a user lacks', async () => {
      await world.run(`CREATE USER ${agent()}@'%' IDENTIFIED BY 'agents-pass'`);
      const checked = await act('check_privileges', { credential: credential(agent(), 'agents-pass') });
      expect(checked.success).toBe(false);
      for (const right of ['REPLICATION CLIENT', 'REPLICATION SLAVE', `SELECT ON ${world.database}.rows_`])
        expect(checked.message).toContain(right);
    });

    it('does not change the password of a user that is there, and says that it cannot log in', async () => {
      await world.run(`CREATE USER ${agent()}@'%' IDENTIFIED BY 'agents-pass'`);
      const created = await act('create_agent_user');
      expect(created.success).toBe(false);
      expect(created.message).toContain(agent());
    });

    it('asks for what is missing', async () => {
      const missing = { success: false, message: "缺少 'uri' 或 'admin_creds' 参数" };
      for (const action of NAMES) {
        expect(await act(action, { adminCreds: undefined })).toEqual(missing);
        expect(await act(action, { uri: '' })).toEqual(missing);
      }
      expect((await act('create_agent_user', { credential: undefined })).success).toBe(false);
      expect((await act('test_connection', { uri: 'a b' })).message).toContain('host:port');
    });

    it('tells no password, whatever goes wrong', async () => {
      const passwords = ['admins-secret', 'agents-secret'];
      const results = [
        ...(await Promise.all(NAMES.map((action) => act(action, { adminCreds: credential('root', 'admins-secret') })))),
        await act('check_privileges', { credential: credential(agent(), 'agents-secret') }),
        await act('test_connection', { uri: '127.0.0.1:1', adminCreds: credential('root', 'admins-secret') }),
      ];
      for (const { success, message } of results) {
        expect(success).toBe(false);
        for (const password of passwords) expect(message).not.toContain(password);
      }
    });
  });
});
