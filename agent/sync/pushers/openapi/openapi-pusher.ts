import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { FieldsSchema } from '../../driver-action.ts';
import { PusherError } from '../../pusher.ts';
import type { Pusher, PusherConfig, PushSession } from '../../pusher.ts';
import { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS, readSession, taskHeader } from '../http/wire.ts';
import { readDocument } from './document.ts';
import { findEndpoints } from './endpoints.ts';
import { neededFields } from './needed-fields.ts';
import { OpenapiSession } from './openapi-session.ts';

/** The answers of a consumer that has no sessions. */
const NO_SESSIONS = [404, 405];

/** A consumer that describes itself by an OpenAPI document, whose address is the endpoint. */
export class OpenapiPusher implements Pusher {
  readonly #config: PusherConfig;
  readonly #logger: Logger;
  readonly #client: ConsumerClient;

  constructor(config: PusherConfig, { logger }: { readonly logger: Logger }) {
    this.#config = config;
    this.#logger = logger;
    this.#client = new ConsumerClient(config);
  }

  async neededFields(signal: AbortSignal): Promise<FieldsSchema> {
    return neededFields(await readDocument(this.#client, signal));
  }

  /** Reads the document anew: a consumer may have become another one since. */
  async openSession(taskId: string, signal: AbortSignal): Promise<PushSession> {
    const document = await readDocument(this.#client, signal);
    const endpoints = findEndpoints(document, this.#client.endpoint, this.#config.driverParams);
    const options = { client: this.#client, endpoints, taskId };
    const { status, text } = await this.#client.call(
      {
        method: 'POST',
        url: endpoints.session,
        headers: taskHeader(taskId),
        body: JSON.stringify({ task_id: taskId }),
        timeoutMs: TIMEOUTS.session,
        expected: [409, ...(endpoints.guessed.has('session') ? NO_SESSIONS : [])],
      },
      signal,
    );
    if (status === 409)
      throw new PusherError(
        'SessionConflict',
        `the consumer ${this.#config.id} has another active session (HTTP 409)`,
        {
          retryable: true,
          status,
        },
      );
    if (!NO_SESSIONS.includes(status))
      return new OpenapiSession({ ...options, opened: readSession(text), isKnown: true });
    this.#logger.warn(
      { pusher: this.#config.id },
      'the consumer names no path for sessions and has none: pushing without, so that a second agent is not refused',
    );
    const opened = { id: randomUUID(), heartbeatIntervalMs: 10_000, timeoutMs: undefined, isLeader: true };
    return new OpenapiSession({ ...options, opened, isKnown: false });
  }

  close(): Promise<void> {
    return this.#client.close();
  }
}
