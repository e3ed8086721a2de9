import { randomUUID } from 'node:crypto';
import type { Logger } from 'pino';
import type { FieldsSchema } from '../../driver-action.ts';
import type { PushAnswer, PushBatch, Pusher, PusherConfig, PushSession } from '../../pusher.ts';
import { cutText } from '../../../output/utf8.ts';

/** Of a row, in the log. */
const SHOWN_BYTES = 2048;
/** Nobody listens; this only shows in the log that the session lives. */
const HEARTBEAT_MS = 10_000;

/** Writes what it gets to the agent's log. It keeps nothing: every start is a first one for it, and asks for a snapshot. */
export class EchoPusher implements Pusher {
  readonly #config: PusherConfig;
  readonly #logger: Logger;
  #rows = 0;
  #hasAsked = false;

  constructor(config: PusherConfig, { logger }: { readonly logger: Logger }) {
    this.#config = config;
    this.#logger = logger;
  }

  async neededFields(): Promise<FieldsSchema> {
    return { properties: {} };
  }

  async openSession(taskId: string, signal: AbortSignal): Promise<PushSession> {
    signal.throwIfAborted();
    let index = -1;
    return {
      id: randomUUID(),
      heartbeatIntervalMs: HEARTBEAT_MS,
      timeoutMs: undefined,
      isLeader: true,
      committedIndex: async () => index,
      heartbeat: async (aborted) => {
        aborted.throwIfAborted();
      },
      push: async (batch, aborted) => {
        aborted.throwIfAborted();
        if (batch.sourceType === 'message') for (const event of batch.events) index = Math.max(index, event.index);
        return this.#push(taskId, batch);
      },
      close: async () => undefined,
    };
  }

  async close(): Promise<void> {
    // It holds nothing.
  }

  #push(task: string, { sourceType, events, isSnapshotEnd }: PushBatch): PushAnswer {
    const rows = events.reduce((sum, event) => sum + event.rows.length, 0);
    this.#rows += rows;
    const [first] = events;
    this.#logger.info(
      {
        pusher: this.#config.id,
        task,
        sourceType,
        events: events.length,
        rows,
        rowsInAll: this.#rows,
        ...(isSnapshotEnd && { isSnapshotEnd }),
        ...(first?.rows[0] !== undefined && { firstRow: cutText(JSON.stringify(first.rows[0]), SHOWN_BYTES) }),
      },
      `echo: 本批次: ${rows}条; 累计: ${this.#rows}条`,
    );
    const snapshotNeeded = !this.#hasAsked;
    this.#hasAsked = true;
    return { snapshotNeeded };
  }
}
