import { request } from 'undici';
import { until } from '../../test/programs/until.ts';
import type { Subject } from '../subject.ts';
import type { SinkStats } from './sink-process.ts';
import type { Sink } from './sink.ts';

const DEADLINE_MS = 600_000;

interface SyncSettings {
  readonly source: Readonly<Record<string, unknown>>;
  readonly batchSize: number;
  /** What is sent of what was there before; new changes only with `SkipToLatest`. */
  readonly onPositionLost?: 'Snapshot' | 'SkipToLatest';
}

let made = 0;

/** A sync that was made by REST and runs, from a source to a sink. */
export class RunningSync {
  readonly #base: string;
  readonly #id: string;

  private constructor(base: string, id: string) {
    this.#base = base;
    this.#id = id;
  }

  /** Resolves once messages flow. */
  static async start(subject: Subject, sink: Sink, settings: SyncSettings): Promise<RunningSync> {
    const sync = new RunningSync(new URL('/api', subject.rest.url).href, `bench-${(made += 1)}`);
    const { source, batchSize, onPositionLost = 'Snapshot' } = settings;
    await sync.#call('POST', `/configs/sources/${sync.#id}`, {
      config: { max_queue_size: 10_000, disabled: false, ...source },
      discovered_fields: { properties: {} },
    });
    const credential = { key: 'bench' };
    const endpoint = `${sink.url}/openapi.json`;
    await sync.#call('POST', `/configs/pushers/${sync.#id}`, {
      config: { driver: 'openapi', endpoint, credential, batch_size: batchSize, disabled: false },
    });
    await sync.#call('POST', `/configs/syncs/${sync.#id}`, {
      source: sync.#id,
      pusher: sync.#id,
      disabled: false,
      onPositionLost,
    });
    await sync.#call('POST', `/instances/syncs/${sync.#id}/_actions/start`);
    await until(async () => (await sync.state()).includes('MESSAGE_SYNC'), DEADLINE_MS, 'the sync to run');
    return sync;
  }

  /** Flags joined by `|`. */
  async state(): Promise<string> {
    const status = (await this.#call('GET', '/instances/status')) as {
      pipelines: { id: string; overall_status: string; sync_info?: { info?: string } }[];
    };
    const pipeline = status.pipelines.find(({ id }) => id === this.#id);
    const state = pipeline?.overall_status ?? '';
    if (state.includes('ERROR')) throw new Error(`the sync failed: ${pipeline?.sync_info?.info ?? ''}`);
    return state;
  }

  /** Stops it and takes it away; resolves once it is gone. */
  async remove(): Promise<void> {
    await this.#call('POST', `/instances/syncs/${this.#id}/_actions/stop`);
    for (const kind of ['syncs', 'sources', 'pushers']) await this.#call('DELETE', `/configs/${kind}/${this.#id}`);
    const isGone = async (): Promise<boolean> =>
      Object.values((await this.#call('GET', '/configs/')) as Record<string, object>).every(
        (configs) => !(this.#id in configs),
      );
    await until(isGone, DEADLINE_MS, 'the sync to be gone');
  }

  async #call(method: 'GET' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const answer = await request(this.#base + path, {
      method,
      ...(body !== undefined && { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    });
    const text = await answer.body.text();
    if (answer.statusCode >= 400) throw new Error(`${method} ${path}: ${String(answer.statusCode)} ${text}`);
    return text === '' ? undefined : JSON.parse(text);
  }
}

/** Waits until the sink has got so much, and tells what it got. */
export async function untilSink(sink: Sink, holds: (counts: SinkStats) => boolean, what: string): Promise<SinkStats> {
  await until(async () => holds(await sink.counts()), DEADLINE_MS, what);
  return sink.stats();
}
