import type { PushAnswer, PushBatch, PushSession } from '../../pusher.ts';
import type { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS, pushBody, readPosition, readPushAnswer, taskHeader, wireNames } from '../http/wire.ts';
import type { OpenedSession, WireNames } from '../http/wire.ts';
import type { Endpoints } from './endpoints.ts';

export interface OpenapiSessionOptions {
  readonly client: ConsumerClient;
  readonly endpoints: Endpoints;
  readonly taskId: string;
  readonly opened: OpenedSession;
  /** Whether the consumer knows of the session; one of the older protocol has none. */
  readonly isKnown: boolean;
}

/** A session with a consumer that describes itself by OpenAPI. It ends by its timeout: the protocol has no call for that. */
export class OpenapiSession implements PushSession {
  readonly id: string;
  readonly heartbeatIntervalMs: number;
  readonly timeoutMs: number | undefined;
  readonly isLeader = true;
  readonly #client: ConsumerClient;
  readonly #endpoints: Endpoints;
  readonly #isKnown: boolean;
  readonly #names: WireNames;
  readonly #headers: Readonly<Record<string, string>>;

  constructor({ client, endpoints, taskId, opened, isKnown }: OpenapiSessionOptions) {
    this.id = opened.id;
    this.heartbeatIntervalMs = opened.heartbeatIntervalMs;
    this.timeoutMs = opened.timeoutMs;
    this.#client = client;
    this.#endpoints = endpoints;
    this.#isKnown = isKnown;
    this.#names = wireNames(opened.id, taskId);
    this.#headers = { 'session-id': opened.id, ...taskHeader(taskId) };
  }

  async committedIndex(signal: AbortSignal): Promise<number> {
    const url = new URL(this.#endpoints.position);
    for (const [name, value] of Object.entries(this.#names)) url.searchParams.set(name, value);
    const { status, text } = await this.#client.call(
      { method: 'GET', url, headers: this.#headers, timeoutMs: TIMEOUTS.position, expected: [404] },
      signal,
    );
    return status === 404 || status === 204 ? -1 : readPosition(text);
  }

  async heartbeat(signal: AbortSignal): Promise<void> {
    if (!this.#isKnown) return;
    await this.#client.call(
      {
        method: 'POST',
        url: this.#endpoints.heartbeat,
        headers: this.#headers,
        body: JSON.stringify({ session_id: this.id }),
        timeoutMs: TIMEOUTS.heartbeat,
        // A consumer without heartbeats (facts §1.8).
        expected: [404],
      },
      signal,
    );
  }

  async push(batch: PushBatch, signal: AbortSignal): Promise<PushAnswer> {
    const { text } = await this.#client.call(
      {
        method: 'POST',
        url: this.#endpoints.batch,
        headers: this.#headers,
        body: pushBody(this.#names, batch),
        timeoutMs: TIMEOUTS.push,
      },
      signal,
    );
    return readPushAnswer(text);
  }

  async close(): Promise<void> {
    // Nothing to tell.
  }
}
