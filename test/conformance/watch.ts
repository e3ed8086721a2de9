import { Agent, request } from 'undici';
import { expect, vi } from 'vitest';
import type { AnswerBody, Api, CallOptions } from './api.ts';

export interface SeenEvent {
  readonly type: string;
  readonly object: AnswerBody;
}

/** How long an event may take to arrive before the scenario fails; far beyond what a busy machine needs. */
const DEADLINE_MS = 60_000;
const dispatcher = new Agent({ allowH2: false, connect: { rejectUnauthorized: false }, connections: 64 });

/** One open watch; its events so far. */
export class Watch {
  readonly events: SeenEvent[] = [];
  readonly #abort = new AbortController();
  #ended = false;

  /** Opens a watch and returns once the server has begun to answer. The scenario's end closes it. */
  static async open(api: Api, path: string, query: NonNullable<CallOptions['query']>): Promise<Watch> {
    const watch = new Watch();
    const response = await request(api.url(path, { watch: 1, ...query }), {
      dispatcher,
      headers: { authorization: `Bearer ${api.server.token}`, accept: 'application/json' },
      signal: watch.#abort.signal,
    });
    expect(response.statusCode).toBe(200);
    api.onEnd(() => watch.#abort.abort());
    void watch.#read(response.body).catch(() => undefined);
    return watch;
  }

  /** Waits until `count` events have arrived, other than bookmarks. */
  async expectEvents(count: number): Promise<readonly SeenEvent[]> {
    await vi.waitFor(() => expect(this.changes.length).toBeGreaterThanOrEqual(count), {
      timeout: DEADLINE_MS,
      interval: 10,
    });
    return this.changes;
  }

  async until(condition: (events: readonly SeenEvent[]) => boolean): Promise<void> {
    await vi.waitFor(() => expect(condition(this.events)).toBe(true), { timeout: DEADLINE_MS, interval: 10 });
  }

  get changes(): readonly SeenEvent[] {
    return this.events.filter((event) => event.type !== 'BOOKMARK');
  }

  /** Waits until the server closes the watch. */
  async end(): Promise<void> {
    await vi.waitFor(() => expect(this.#ended).toBe(true), { timeout: DEADLINE_MS, interval: 10 });
  }

  async #read(body: AsyncIterable<Uint8Array>): Promise<void> {
    const decoder = new TextDecoder();
    let rest = '';
    try {
      for await (const chunk of body) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop() ?? '';
        for (const line of lines) if (line !== '') this.events.push(JSON.parse(line) as SeenEvent);
      }
    } finally {
      this.#ended = true;
    }
  }
}

/** Types and names, in order: the gist of a watch. */
export const gist = (events: readonly SeenEvent[]): string[] =>
  events.map((event) => `${event.type} ${event.object.metadata.name ?? ''}`.trim());
