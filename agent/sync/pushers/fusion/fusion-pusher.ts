import type { FieldsSchema } from '../../driver-action.ts';
import { PusherError } from '../../pusher.ts';
import type { Pusher, PusherConfig, PushSession } from '../../pusher.ts';
import { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS, readSession } from '../http/wire.ts';
import { fusionPaths } from './fusion-paths.ts';
import type { FusionPaths } from './fusion-paths.ts';
import { FusionSession } from './fusion-session.ts';

/** A Fusion service: one session at a time, or one that leads. */
export class FusionPusher implements Pusher {
  readonly #config: PusherConfig;
  readonly #client: ConsumerClient;
  readonly #paths: FusionPaths;

  constructor(config: PusherConfig) {
    this.#config = config;
    this.#client = new ConsumerClient(config);
    this.#paths = fusionPaths(this.#client.endpoint, config.driverParams);
  }

  async neededFields(): Promise<FieldsSchema> {
    return { properties: {} };
  }

  async openSession(taskId: string, signal: AbortSignal): Promise<PushSession> {
    const body = JSON.stringify({ task_id: taskId });
    const { status, text } = await this.#client.call(
      { method: 'POST', url: this.#paths.sessions, body, timeoutMs: TIMEOUTS.session, expected: [409] },
      signal,
    );
    if (status === 409)
      throw new PusherError(
        'SessionConflict',
        `Fusion (${this.#config.id}) lets no session in beside the active one (HTTP 409): it ends by its timeout, or when its agent stops`,
        { retryable: true, status },
      );
    return new FusionSession({ client: this.#client, paths: this.#paths, taskId, opened: readSession(text) });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
