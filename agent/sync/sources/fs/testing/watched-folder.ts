import { mkdtempSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { expect, onTestFinished } from 'vitest';
import type { Subscription } from '../../../event-bus.ts';
import type { Source, SourceTools } from '../../../source.ts';
import type { Checkpoint, StreamEntry } from '../../../stream-entry.ts';
import type { Row } from '../../../sync-event.ts';
import { fsDriver } from '../index.ts';

const { signal } = new AbortController();

/** A folder of one test, watched as an agent does, in one life after another. */
export class WatchedFolder {
  readonly path = newFolder();
  readonly #tools: SourceTools = { logger: pino({ level: 'silent' }), stateFolder: newFolder(), taskUid: 'uid' };

  at(...names: string[]): string {
    return join(this.path, ...names);
  }

  /** `tools`: in place of those of the folder. `uri`: another path of the folder. */
  source(driverParams: Record<string, unknown> = {}, tools: Partial<SourceTools> = {}, uri = this.path): Source {
    const config = {
      ...{ id: 'files', driver: 'fs', uri, credential: undefined, driverParams },
      ...{ maxQueueSize: 1000, maxRetries: 2, retryDelayMs: 10 },
    };
    const source = fsDriver.open(config, { ...this.#tools, ...tools });
    onTestFinished(() => source.close());
    return source;
  }

  /** Watches from now on, or from a checkpoint. */
  async watch(driverParams: Record<string, unknown> = {}, checkpoint?: Checkpoint): Promise<Watcher> {
    const source = this.source(driverParams);
    const options = { subscriber: 'a test', checkpoint, afterIndex: checkpoint?.index ?? -1, wanted: undefined };
    const subscription = await source.openBus?.().subscribe(options, signal);
    if (subscription === undefined) throw new Error('files have a bus of their own');
    return new Watcher(this.path, source, subscription);
  }
}

/** What one reader of a folder is told. */
export class Watcher {
  readonly source: Source;
  readonly subscription: Subscription;
  readonly entries: StreamEntry[] = [];
  readonly #root: string;

  constructor(root: string, source: Source, subscription: Subscription) {
    this.#root = root;
    this.source = source;
    this.subscription = subscription;
  }

  /** `+` or `-` and the path below the root, in the order in which they were told. */
  get told(): string[] {
    return this.entries.flatMap(({ event }) =>
      (event?.rows ?? []).map(
        (row) =>
          `${event?.event_type === 'delete' ? '-' : '+'}${String(row['file_path']).slice(this.#root.length + 1)}`,
      ),
    );
  }

  /** What consumers have in the end, by path. */
  get rows(): ReadonlyMap<string, Row> {
    const rows = new Map<string, Row>();
    for (const { event } of this.entries)
      for (const row of event?.rows ?? []) {
        const path = String(row['file_path']).slice(this.#root.length + 1);
        if (event?.event_type === 'delete') rows.delete(path);
        else rows.set(path, row);
      }
    return rows;
  }

  /** Reads what has come, and commits it. */
  async read(): Promise<readonly StreamEntry[]> {
    const entries = await this.subscription.read(1000, 10, signal);
    this.entries.push(...entries);
    const last = entries.at(-1);
    if (last !== undefined) this.subscription.commit(last);
    return entries;
  }

  /** Reads until this is so. */
  async until(isSo: (watcher: this) => boolean): Promise<void> {
    await expect
      .poll(async () => {
        await this.read();
        return isSo(this);
      })
      .toBe(true);
  }

  /** Until these have been told, among others. */
  async untilTold(...told: string[]): Promise<void> {
    await this.until((watcher) => told.every((one) => watcher.told.includes(one)));
  }

  /** Makes what was read the consumer's for good, and ends. */
  async stop(): Promise<Checkpoint> {
    const last = this.entries.findLast(({ position }) => position !== undefined);
    if (last?.position === undefined) throw new Error('nothing was read yet');
    const { index, position } = last;
    await this.subscription.release(position);
    await this.source.close();
    return { index, position, time: new Date().toISOString() };
  }
}

function newFolder(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'tiangong-files-')));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}
