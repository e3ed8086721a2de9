import { hash } from 'node:crypto';
import { join } from 'node:path';
import type { SnapshotReader } from '../../snapshot.ts';
import type { SnapshotStart, Source, SourceDriver, SourceTools, StreamStart, WantedFields } from '../../source.ts';
import type { SourcePosition, StreamEntry } from '../../stream-entry.ts';
import { actions } from './actions.ts';
import { Bucket } from './bucket.ts';
import { readSettings } from './settings.ts';
import type { OssSettings } from './settings.ts';
import { BucketSnapshot } from './snapshot.ts';
import { BucketStream } from './stream.ts';
import { Turns } from './turns.ts';
import { wizard } from './wizard.ts';

/** The objects of a bucket, by listing it (facts §1.9). */
class OssSource implements Source {
  readonly #settings: OssSettings;
  readonly #bucket: Bucket;
  readonly #indexFile: string;
  readonly #turns = new Turns();
  #stream: BucketStream | undefined;

  constructor(settings: OssSettings, { stateFolder }: SourceTools) {
    this.#settings = settings;
    this.#bucket = new Bucket(settings);
    this.#indexFile = join(stateFolder, 'objects.sqlite');
  }

  async *stream(
    start: StreamStart,
    _wanted: WantedFields,
    signal: AbortSignal,
  ): AsyncGenerator<readonly StreamEntry[], void> {
    const options = {
      bucket: this.#bucket,
      settings: this.#settings,
      indexFile: this.#indexFile,
      turns: this.#turns,
    };
    const stream = new BucketStream(options, start);
    this.#stream = stream;
    try {
      yield* stream.entries(signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  openSnapshot(_start: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader> {
    signal.throwIfAborted();
    const { bucket: name } = this.#settings;
    const show = (keys: readonly string[]): number => this.#stream?.show(keys) ?? -1;
    return Promise.resolve(new BucketSnapshot({ bucket: this.#bucket, name, turns: this.#turns, show }));
  }

  release(position: SourcePosition): Promise<void> {
    this.#stream?.release(position);
    return Promise.resolve();
  }

  async close(): Promise<void> {
    await this.#bucket.close();
  }
}

export const sourceOssDriver: SourceDriver = {
  name: 'source_oss',
  wizard,
  actions,
  // Buckets have no log: what a consumer was told of is kept for each SyncTask, and so each has a bus of its own.
  signature: ({ uri, credential, driverParams }, taskUid) =>
    hash('sha256', JSON.stringify(['source_oss', uri, credential?.data, driverParams, taskUid])),
  open: (config, tools) => new OssSource(readSettings(config), tools),
};
