import type { PusherDriver } from '../../pusher.ts';
import { consumerAction } from '../http/consumer-action.ts';
import type { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS } from '../http/wire.ts';
import { fusionPaths } from './fusion-paths.ts';

/** Asks for the position of a session that there is not: that changes nothing. Resolves with the status. */
async function ask(
  client: ConsumerClient,
  driverParams: Readonly<Record<string, unknown>>,
  expected: readonly number[],
  signal: AbortSignal,
): Promise<number> {
  const url = new URL(fusionPaths(client.endpoint, driverParams).position);
  url.searchParams.set('session_id', '_privilege_check_');
  const { status } = await client.call({ method: 'GET', url, timeoutMs: TIMEOUTS.position, expected }, signal);
  return status;
}

const NO_SUCH_SESSION = [400, 404, 409, 419, 422];

export const fusionActions: PusherDriver['actions'] = {
  test_connection: consumerAction(async (client, { driverParams }, signal) => {
    await ask(client, driverParams, [...NO_SUCH_SESSION, 401, 403], signal);
    return { success: true, message: '成功连接到 Fusion 服务。' };
  }),

  check_privileges: consumerAction(async (client, { driverParams }, signal) => {
    const status = await ask(client, driverParams, NO_SUCH_SESSION, signal);
    return { success: true, message: `凭证有效 (状态码: ${status})。` };
  }),

  discover_fields: async () => ({
    success: true,
    message: '成功发现 0 个目标字段。',
    fields: { type: 'object', properties: {}, required: [] },
  }),
};
