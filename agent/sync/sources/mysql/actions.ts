import type { Target } from '../../../connections/target.ts';
import { quoteTable } from '../../../executors/mysql/backup/quote.ts';
import type { BinlogPosition } from '../../../executors/mysql/binlog/binlog-position.ts';
import { currentPosition } from '../../../executors/mysql/binlog/current-position.ts';
import { LogConnection } from '../../../executors/mysql/binlog/transport/log-connection.ts';
import type { ActionInput, ActionResult, DriverAction, FieldSchema } from '../../driver-action.ts';
import { asSourceError, isDenied } from './failure.ts';
import { readServerFacts, wrongVariable } from './server-facts.ts';
import { ServerSession } from './server-session.ts';
import { parseSettings } from './settings.ts';
import type { MysqlSettings } from './settings.ts';
import { listTables } from './snapshot/table-list.ts';
import type { ListedTable } from './snapshot/table-list.ts';

type Work = (session: ServerSession, input: ActionInput, settings: MysqlSettings) => Promise<ActionResult>;

const fine = (message: string): ActionResult => ({ success: true, message });
const failed = (message: string): ActionResult => ({ success: false, message });

/** Does something as the administrator. What goes wrong is the result. */
function asAdministrator(work: Work): DriverAction {
  return async (input, signal) => {
    const { uri, adminCreds, driverParams } = input;
    if (uri === undefined || uri === '' || adminCreds === undefined) return failed("缺少 'uri' 或 'admin_creds' 参数");
    let session: ServerSession | undefined;
    const stop = (): void => session?.destroy();
    signal.addEventListener('abort', stop, { once: true });
    try {
      signal.throwIfAborted();
      const settings = parseSettings({ uri, credential: adminCreds, driverParams });
      session = new ServerSession(settings);
      try {
        return await work(session, input, settings);
      } catch (err) {
        signal.throwIfAborted();
        return failed(asSourceError(err, settings).message);
      }
    } catch (err) {
      signal.throwIfAborted();
      return failed((err as Error).message);
    } finally {
      signal.removeEventListener('abort', stop);
      await session?.close();
    }
  };
}

const testConnection: Work = async (session) => {
  await session.rows('SELECT 1 AS one');
  return fine('数据库连接成功。');
};

const checkParams: Work = async (session) => {
  const wrong = wrongVariable(await readServerFacts(await session.get()));
  if (wrong === undefined) return fine('运行时参数有效。');
  return failed(`配置检查失败: 全局变量 '${wrong.name}' 必须为 '${wrong.wanted}'`);
};

const createAgentUser: Work = async (session, input, settings) => {
  const agent = agentOf(input);
  if (agent === undefined) return failed("缺少 'credential' 参数");
  const { marker } = settings;
  const account = `${literal(agent.user)}@'%'`;
  await session.rows(`CREATE USER IF NOT EXISTS ${account} IDENTIFIED BY ${literal(agent.password)}`);
  const { hasGtids, flavour } = await readServerFacts(await session.get());
  // Without GTIDs a snapshot of MySQL locks the table for an instant, or writes to the marker.
  const locks = hasGtids || flavour === 'mariadb' || marker !== undefined ? '' : ', LOCK TABLES';
  await session.rows(`GRANT REPLICATION SLAVE, REPLICATION CLIENT, SELECT${locks} ON *.* TO ${account}`);
  if (marker !== undefined) {
    const table = quoteTable(marker.schema, marker.table);
    await session.rows(
      `CREATE TABLE IF NOT EXISTS ${table} (id INT PRIMARY KEY, written BIGINT UNSIGNED NOT NULL) ENGINE = InnoDB`,
    );
    await session.rows(`GRANT INSERT, UPDATE ON ${table} TO ${account}`);
  }
  // A user that was there before keeps its password.
  await asAgent(settings, agent, (own) => own.rows('SELECT 1 AS one'));
  return fine(`用户 '${agent.user}' 已成功创建或验证。`);
};

const checkPrivileges: Work = async (session, input, settings) => {
  const agent = agentOf(input);
  if (agent === undefined) return failed("缺少 'credential' 参数");
  const tables = await listTables(session, settings.filter);
  const missing = await asAgent(settings, agent, async (own, target) => missingRights(own, target, tables));
  if (missing.length === 0) return fine(`用户 '${agent.user}' 权限充足。`);
  return failed(`用户 '${agent.user}' 缺少权限: ${missing.join(', ')}`);
};

/** So many tables are tried. */
const MAX_TRIED = 1000;

/** What the agent's login may not do, found by doing it. */
async function missingRights(
  session: ServerSession,
  target: Target,
  tables: readonly ListedTable[],
): Promise<string[]> {
  const missing: string[] = [];
  const isAllowed = async (work: () => Promise<unknown>): Promise<boolean> => {
    try {
      await work();
      return true;
    } catch (err) {
      if (isDenied(err)) return false;
      throw err;
    }
  };
  const own = await session.get();
  let place: BinlogPosition | undefined;
  const asksPlace = async (): Promise<void> => {
    place = await currentPosition(own);
  };
  if (!(await isAllowed(asksPlace))) missing.push('REPLICATION CLIENT');
  const from = place ?? { file: '', position: 4 };
  if (!(await isAllowed(() => readFirstEvent(target, from)))) missing.push('REPLICATION SLAVE');
  const tried = tables.slice(0, MAX_TRIED);
  for (const { schema, table } of tried)
    if (!(await isAllowed(() => session.rows(`SELECT 1 FROM ${quoteTable(schema, table)} LIMIT 0`))))
      missing.push(`SELECT ON ${schema}.${table}`);
  return missing;
}

async function readFirstEvent(target: Target, from: BinlogPosition): Promise<void> {
  const connection = await LogConnection.open(target, from);
  try {
    await connection.next(AbortSignal.timeout(10_000));
  } finally {
    connection.close();
  }
}

const discoverFields: Work = async (session, _input, { filter }) => {
  const rows = await session.rows(
    'SELECT TABLE_SCHEMA AS s, TABLE_NAME AS t, COLUMN_NAME AS c, ORDINAL_POSITION - 1 AS place FROM information_schema.COLUMNS ORDER BY TABLE_SCHEMA, TABLE_NAME, ORDINAL_POSITION',
  );
  const properties: Record<string, FieldSchema> = {};
  for (const { s, t, c, place } of rows)
    if (filter.has(s ?? '', t ?? '')) properties[`${s}.${t}.${c}`] = { type: 'string', column_index: Number(place) };
  return { ...fine(`成功发现 ${Object.keys(properties).length} 个可用字段。`), fields: { properties } };
};

interface Agent {
  readonly user: string;
  readonly password: string;
}

function agentOf({ credential }: ActionInput): Agent | undefined {
  const user = credential?.data['user'];
  if (user === undefined || user === '') return undefined;
  return { user, password: credential?.data['passwd'] ?? credential?.data['password'] ?? '' };
}

/** Rejects with a `SourceError` that holds no password. */
async function asAgent<T>(
  settings: MysqlSettings,
  agent: Agent,
  work: (session: ServerSession, target: Target) => Promise<T>,
): Promise<T> {
  const { user, password } = agent;
  const target = { ...settings.target, user, password, secrets: [...settings.target.secrets, password] };
  const own = { ...settings, target };
  const session = new ServerSession(own);
  try {
    return await work(session, target);
  } catch (err) {
    throw asSourceError(err, own);
  } finally {
    await session.close();
  }
}

/** Accounts and passwords cannot be written as hex. */
const literal = (text: string): string => `'${text.replaceAll('\\', '\\\\').replaceAll("'", "''")}'`;

export const mysqlActions = {
  test_connection: asAdministrator(testConnection),
  check_params: asAdministrator(checkParams),
  create_agent_user: asAdministrator(createAgentUser),
  check_privileges: asAdministrator(checkPrivileges),
  discover_fields_no_cache: asAdministrator(discoverFields),
} as const;
