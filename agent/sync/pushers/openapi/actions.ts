import type { PusherDriver } from '../../pusher.ts';
import { consumerAction } from '../http/consumer-action.ts';
import { TIMEOUTS } from '../http/wire.ts';
import { readDocument } from './document.ts';
import { findEndpoints } from './endpoints.ts';
import { neededFields } from './needed-fields.ts';

export const openapiActions: PusherDriver['actions'] = {
  test_connection: consumerAction(async (client, _input, signal) => {
    await readDocument(client, signal);
    return { success: true, message: '成功连接到 OpenAPI 规范文件。' };
  }),

  /** Asks for the position of a task that there is not: that changes nothing, and only a login that is right gets an answer. */
  check_privileges: consumerAction(async (client, { driverParams }, signal) => {
    const { position } = findEndpoints(await readDocument(client, signal), client.endpoint, driverParams);
    const url = new URL(position);
    url.searchParams.set('task_id', '_privilege_check_');
    // Whatever it says of the task: it says so to somebody whom it knows.
    const expected = [400, 404, 409, 419, 422];
    const { status } = await client.call({ method: 'GET', url, timeoutMs: TIMEOUTS.position, expected }, signal);
    return {
      success: true,
      message: `凭证有效。测试请求 ${url.origin}${url.pathname} 成功通过认证 (状态码: ${status})。`,
    };
  }),

  discover_fields: consumerAction(async (client, _input, signal) => {
    const fields = neededFields(await readDocument(client, signal));
    const count = Object.keys(fields.properties).length;
    return { success: true, message: `成功发现 ${count} 个目标字段。`, fields };
  }),
};
