import type { EventBus } from '../../event-bus.ts';
import type { SnapshotReader } from '../../snapshot.ts';
import type { Source, SourceConfig, SourceDriver, SourceTools } from '../../source.ts';
import { actions } from './actions.ts';
import { readSettings } from './settings.ts';
import type { FileSettings } from './settings.ts';
import { FileSnapshot } from './snapshot.ts';
import { FileBus } from './stream.ts';
import { wizard } from './wizard.ts';

/** The files and folders below a folder (facts §1.9). */
class FileSource implements Source {
  readonly #settings: FileSettings;
  readonly #bus: FileBus;
  readonly #snapshots = new Set<SnapshotReader>();

  constructor(config: SourceConfig, settings: FileSettings, tools: SourceTools) {
    this.#settings = settings;
    this.#bus = new FileBus(config, settings, tools);
  }

  openBus(): EventBus {
    return this.#bus;
  }

  async openSnapshot(_start: unknown, signal: AbortSignal): Promise<SnapshotReader> {
    signal.throwIfAborted();
    const { root } = this.#settings;
    const shared = this.#bus.connection;
    const connection = shared ?? (await this.#bus.connectForSnapshot());
    try {
      // Reads come after all that the index takes as told: what changed before it was watched would be lost otherwise.
      await shared?.started;
      const snapshot: FileSnapshot = await FileSnapshot.open(connection, root, async () => {
        this.#snapshots.delete(snapshot);
        if (shared === undefined) await connection.close();
      });
      this.#snapshots.add(snapshot);
      return snapshot;
    } catch (err) {
      if (shared === undefined) await connection.close();
      throw err;
    }
  }

  async close(): Promise<void> {
    await Promise.all([...this.#snapshots].map((snapshot) => snapshot.close()));
    await this.#bus.close();
  }
}

export const fsDriver: SourceDriver = {
  name: 'fs',
  wizard,
  actions,
  // Files have no log: what a consumer was told of is kept for each SyncTask, and so each has a bus of its own (ADR 0026).
  signature: (config, taskUid) => JSON.stringify(['fs', readSettings(config).root, taskUid]),
  open: (config, tools) => new FileSource(config, readSettings(config), tools),
};
