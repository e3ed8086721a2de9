import { hash } from 'node:crypto';
import type { SnapshotReader } from '../../snapshot.ts';
import type { SnapshotStart, Source, SourceDriver, StreamStart, WantedFields } from '../../source.ts';
import type { StreamEntry } from '../../stream-entry.ts';
import { PollBell } from '../poll-bell.ts';
import { actions } from './actions.ts';
import { Requests } from './requests.ts';
import { readSettings } from './settings.ts';
import type { ElasticsearchSettings } from './settings.ts';
import { IndexSnapshot } from './snapshot.ts';
import { IndexPoller } from './stream.ts';
import { wizard } from './wizard.ts';

/** The documents of an index. Elasticsearch has no log: what was deleted is not told (facts §1.9). */
class ElasticsearchSource implements Source {
  readonly #settings: ElasticsearchSettings;
  readonly #requests: Requests;
  readonly #bell = new PollBell();
  readonly #snapshots = new Set<SnapshotReader>();

  constructor(settings: ElasticsearchSettings) {
    this.#settings = settings;
    this.#requests = new Requests(settings);
  }

  async *stream(
    start: StreamStart,
    _wanted: WantedFields,
    signal: AbortSignal,
  ): AsyncGenerator<readonly StreamEntry[], void> {
    try {
      yield* new IndexPoller(this.#requests, this.#settings, this.#bell, start).entries(signal);
    } catch (err) {
      if (!signal.aborted) throw err;
    }
  }

  async openSnapshot(_start: SnapshotStart, signal: AbortSignal): Promise<SnapshotReader> {
    const snapshot = await IndexSnapshot.open(this.#requests, this.#settings, this.#bell, signal);
    this.#snapshots.add(snapshot);
    return {
      next: (after, rows, ending) => snapshot.next(after, rows, ending),
      close: async () => {
        this.#snapshots.delete(snapshot);
        await snapshot.close();
      },
    };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#snapshots].map((snapshot) => snapshot.close()));
    await this.#requests.close();
  }
}

export const elasticsearchDriver: SourceDriver = {
  name: 'elasticsearch',
  wizard,
  actions,
  // All parameters: another overlap finds other documents.
  signature: ({ uri, credential, driverParams }) =>
    hash('sha256', JSON.stringify(['elasticsearch', uri, credential?.data, driverParams])),
  open: (config) => new ElasticsearchSource(readSettings(config)),
};
