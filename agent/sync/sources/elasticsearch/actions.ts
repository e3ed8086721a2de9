import type { ActionInput, ActionResult, DriverAction } from '../../driver-action.ts';
import { SourceError } from '../../source.ts';
import type { SourceDriver } from '../../source.ts';
import { discoverFields } from './fields.ts';
import { Requests } from './requests.ts';
import type { Json } from './requests.ts';
import { readServer, readSettings } from './settings.ts';
import type { ElasticsearchServer, ElasticsearchSettings } from './settings.ts';
import { checkTimestamps } from './timestamps.ts';

const PRIVILEGES = ['read', 'view_index_metadata'];

const testConnection = onServer(readServer, async (requests, _server, signal) => {
  // Whoever may read one index only need not be allowed to ask for the version.
  const { version } = await requests.ask({ method: 'GET', path: '/' }, signal, 403);
  const { number } = (version ?? {}) as Json;
  return { success: true, message: typeof number === 'string' ? `连接成功，Elasticsearch ${number}。` : '连接成功。' };
});

const checkPrivileges = onServer(settingsOf, async (requests, { index }, signal) => {
  const body = JSON.stringify({ index: [{ names: [index], privileges: PRIVILEGES }] });
  const path = '/_security/user/_has_privileges';
  const answer = await requests.ask({ method: 'POST', path, body }, signal, 400);
  // A server without security has no such question.
  if (answer['has_all_requested'] === undefined) return { success: true, message: '该服务未启用安全功能，无需权限。' };
  const user = typeof answer['username'] === 'string' ? answer['username'] : '';
  if (answer['has_all_requested'] === true) return { success: true, message: `用户 '${user}' 权限充足。` };
  const has = ((answer['index'] as Json | undefined)?.[index] ?? {}) as Json;
  const missing = PRIVILEGES.filter((privilege) => has[privilege] !== true).join(', ');
  return { success: false, message: `用户 '${user}' 对索引 '${index}' 缺少权限: ${missing}` };
});

const discover = onServer(settingsOf, async (requests, settings, signal) => {
  await checkTimestamps(requests, settings, signal);
  const fields = await discoverFields(requests, settings.index, signal);
  const count = Object.keys(fields.properties).length;
  return { success: true, message: `成功发现 ${String(count)} 个可用字段。`, fields };
});

export const actions: SourceDriver['actions'] = {
  test_connection: testConnection,
  check_privileges: checkPrivileges,
  discover_fields_no_cache: discover,
};

function settingsOf(input: ActionInput): ElasticsearchSettings {
  readServer(input);
  return readSettings({ ...input, uri: input.uri ?? '' });
}

/** An action on the server that the wizard names. */
function onServer<S extends ElasticsearchServer>(
  read: (input: ActionInput) => S,
  act: (requests: Requests, server: S, signal: AbortSignal) => Promise<ActionResult>,
): DriverAction {
  return async (input, signal) => {
    let requests: Requests | undefined;
    try {
      const server = read(input);
      requests = new Requests(server);
      return await act(requests, server, signal);
    } catch (err) {
      if (!(err instanceof SourceError)) throw err;
      return { success: false, message: err.message };
    } finally {
      await requests?.close();
    }
  };
}
