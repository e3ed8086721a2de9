import type { ActionInput, ActionResult, DriverAction } from '../../driver-action.ts';
import { PusherError } from '../../pusher.ts';
import { ConsumerClient } from './consumer-client.ts';

/** A wizard's step against a consumer: what fails there is told in words, with `success: false`. */
export function consumerAction(
  act: (client: ConsumerClient, input: ActionInput, signal: AbortSignal) => Promise<ActionResult>,
): DriverAction {
  return async (input, signal) => {
    const { endpoint = input.uri, credential, driverParams } = input;
    if (endpoint === undefined || endpoint === '') return { success: false, message: "缺少 'endpoint' 参数。" };
    let client: ConsumerClient | undefined;
    try {
      client = new ConsumerClient({ endpoint, credential, driverParams });
      return await act(client, input, signal);
    } catch (err) {
      if (!(err instanceof PusherError)) throw err;
      return { success: false, message: `${lead(err)}: ${err.message}` };
    } finally {
      await client?.close();
    }
  };
}

function lead({ reason, status }: PusherError): string {
  if (reason === 'AuthenticationFailed') return '凭证无效';
  if (reason === 'ConfigurationInvalid') return '配置无效';
  return status === undefined ? '连接失败' : `连接失败: 服务器返回状态码 ${status}`;
}
