import type { Credential } from '../../../executors/executor.ts';
import type { ActionInput, ActionResult, DriverAction } from '../../driver-action.ts';
import type { SourceActionName } from '../../source.ts';
import { createAgentUser } from './server/agent-user.ts';
import { discoverFields } from './tables/discover-fields.ts';
import { readPostgresConfig } from './server/postgres-config.ts';
import type { PostgresConfig } from './server/postgres-config.ts';
import { toSourceError } from './server/postgres-error.ts';
import { findTables, hasPublication, tablesProblem } from './tables/publication.ts';
import { quote, Queries } from './server/queries.ts';
import { readServer } from './server/server-check.ts';

type Work = (queries: Queries, config: PostgresConfig, signal: AbortSignal) => Promise<ActionResult>;

const good = (message: string): ActionResult => ({ success: true, message });
const bad = (message: string): ActionResult => ({ success: false, message });

/** Logs in, and says what failed where something does. */
async function withLogin(
  { uri, driverParams }: ActionInput,
  login: Credential | undefined,
  work: Work,
  signal: AbortSignal,
): Promise<ActionResult> {
  if (uri === undefined || uri === '' || login === undefined) return bad("缺少 'uri' 或 'admin_creds' 参数");
  let queries: Queries | undefined;
  let config: PostgresConfig | undefined;
  try {
    config = readPostgresConfig({ uri, driverParams, credential: login });
    queries = new Queries(config.target);
    return await work(queries, config, signal);
  } catch (err) {
    signal.throwIfAborted();
    return bad(config === undefined ? (err as Error).message : toSourceError(err, config.target).message);
  } finally {
    await queries?.close();
  }
}

const asAdmin =
  (work: Work): DriverAction =>
  (input, signal) =>
    withLogin(input, input.adminCreds, work, signal);

const checkParams: Work = async (queries, config, signal) => {
  const { isOld, isStandby, isLogical, hasFreeSlot } = await readServer(queries, signal);
  const failed = (why: string): ActionResult => bad(`配置检查失败: ${why}`);
  if (isOld) return failed('需要 PostgreSQL 13 或更高版本');
  if (isStandby) return failed('该服务器是备库，请连接主库');
  if (!isLogical) return failed("参数 'wal_level' 必须为 'logical'");
  if (!hasFreeSlot) return failed("没有空闲的复制槽，请增大 'max_replication_slots'");
  const found = await findTables(queries, config);
  const problem = config.ownsPublication ? tablesProblem(config, found) : undefined;
  if (problem !== undefined) return failed(problem);
  const without = found.filter(({ hasKey }) => !hasKey).map(({ name }) => name);
  return good(
    without.length === 0 || !config.ownsPublication
      ? '运行时参数有效。'
      : `运行时参数有效。以下表没有主键或复制标识，不会被同步: ${without.slice(0, 20).join(', ')}`,
  );
};

const checkPrivileges: Work = async (queries, config, signal) => {
  const user = config.target.user ?? '';
  const [[replication] = []] = await queries.rows(
    'SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user',
    signal,
  );
  if (replication !== 't') return bad(`用户 '${user}' 缺少 REPLICATION 权限。`);
  if (!(await hasPublication(queries, config)))
    return bad(`发布 '${config.publication}' 不存在，请由表的所有者创建，或运行“创建代理用户”。`);
  const unreadable = await queries.rows(
    `SELECT schemaname || '.' || tablename FROM pg_publication_tables WHERE pubname = ${quote(config.publication)} AND NOT (has_schema_privilege(quote_ident(schemaname), 'USAGE') AND has_table_privilege(quote_ident(schemaname) || '.' || quote_ident(tablename), 'SELECT')) LIMIT 20`,
    signal,
  );
  if (unreadable.length > 0)
    return bad(`用户 '${user}' 缺少以下表的 SELECT 权限: ${unreadable.map(([name]) => name).join(', ')}`);
  return good(`用户 '${user}' 权限充足。`);
};

/** The steps of the wizard, done on the real server (manual §3). */
export const actions: Readonly<Record<SourceActionName, DriverAction>> = {
  test_connection: asAdmin(async (queries, _, signal) => {
    await queries.rows('SELECT 1', signal);
    return good('数据库连接成功。');
  }),
  check_params: asAdmin(checkParams),
  create_agent_user: (input, signal) => {
    const { credential } = input;
    if (credential?.data['user'] === undefined) return Promise.resolve(bad("缺少 'credential' 参数"));
    return withLogin(
      input,
      input.adminCreds,
      async (queries, config) => {
        await createAgentUser(queries, config, credential, signal);
        return good(`用户 '${credential.data['user'] ?? ''}' 已成功创建或验证。`);
      },
      signal,
    );
  },
  check_privileges: (input, signal) =>
    input.credential === undefined
      ? Promise.resolve(bad("缺少 'credential' 参数"))
      : withLogin(input, input.credential, checkPrivileges, signal),
  discover_fields_no_cache: asAdmin(async (queries, config) => {
    const fields = await discoverFields(queries, config);
    return { ...good(`成功发现 ${Object.keys(fields.properties).length} 个可用字段。`), fields };
  }),
};
