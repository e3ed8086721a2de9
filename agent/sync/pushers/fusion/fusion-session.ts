import { PusherError } from '../../pusher.ts';
import type { PushAnswer, PushBatch, PushSession } from '../../pusher.ts';
import type { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS, pushBody, readPosition, readPushAnswer, readRole, wireNames } from '../http/wire.ts';
import type { OpenedSession, WireNames } from '../http/wire.ts';
import type { FusionPaths } from './fusion-paths.ts';

export interface FusionSessionOptions {
  readonly client: ConsumerClient;
  readonly paths: FusionPaths;
  readonly taskId: string;
  readonly opened: OpenedSession;
}

/** A session with Fusion. Whether it leads is said again with every heartbeat. */
export class FusionSession implements PushSession {
  readonly id: string;
  readonly heartbeatIntervalMs: number;
  readonly timeoutMs: number | undefined;
  readonly #client: ConsumerClient;
  readonly #paths: FusionPaths;
  readonly #names: WireNames;
  readonly #headers: Readonly<Record<string, string>>;
  #isLeader: boolean;

  constructor({ client, paths, taskId, opened }: FusionSessionOptions) {
    this.id = opened.id;
    this.heartbeatIntervalMs = opened.heartbeatIntervalMs;
    this.timeoutMs = opened.timeoutMs;
    this.#client = client;
    this.#paths = paths;
    this.#names = wireNames(opened.id, taskId);
    this.#headers = { 'session-id': opened.id };
    this.#isLeader = opened.isLeader;
  }

  get isLeader(): boolean {
    return this.#isLeader;
  }

  async committedIndex(signal: AbortSignal): Promise<number> {
    const url = new URL(this.#paths.position);
    url.searchParams.set('session_id', this.id);
    const call = { method: 'GET', url, headers: this.#headers, timeoutMs: TIMEOUTS.position, expected: [404] } as const;
    const { status, text } = await this.#client.call(call, signal);
    return status === 404 || status === 204 ? -1 : readPosition(text);
  }

  async heartbeat(signal: AbortSignal): Promise<void> {
    const { status, text } = await this.#client.call(
      {
        method: 'POST',
        url: this.#paths.heartbeat,
        headers: this.#headers,
        body: JSON.stringify({ session_id: this.id }),
        timeoutMs: TIMEOUTS.heartbeat,
        expected: [404],
      },
      signal,
    );
    // Fusion has this path: what it does not find is the session.
    if (status === 404)
      throw new PusherError('SessionObsolete', `Fusion has no session ${this.id} any more (HTTP 404)`, {
        retryable: false,
        status,
      });
    this.#isLeader = readRole(text) ?? this.#isLeader;
  }

  async push(batch: PushBatch, signal: AbortSignal): Promise<PushAnswer> {
    const { text } = await this.#client.call(
      {
        method: 'POST',
        url: this.#paths.events,
        headers: this.#headers,
        body: pushBody(this.#names, batch),
        timeoutMs: TIMEOUTS.push,
      },
      signal,
    );
    return readPushAnswer(text);
  }

  /** Lets the next session in at once: otherwise it would be refused until this one's timeout. */
  async close(signal: AbortSignal): Promise<void> {
    await this.#client.call(
      {
        method: 'DELETE',
        url: this.#paths.sessions,
        headers: this.#headers,
        timeoutMs: TIMEOUTS.session,
        // It has ended already.
        expected: [404, 419],
      },
      signal,
    );
  }
}
