import type { KubeClient } from '../../kube/client.ts';
import type { KubeMetrics } from '../../kube/metrics.ts';
import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { Blobs } from '../../store/blobs.ts';
import { ConfigDirectory } from './config-directory.ts';
import { PUSHER, SOURCE, SYNC } from './config-kind.ts';
import type { Endpoint } from './config-kind.ts';
import { ConfigSecrets } from './config-secrets.ts';
import { ConfigWriter } from './config-writer.ts';
import { FieldStore } from './discovered-fields.ts';
import { EndpointConfigs } from './endpoint-configs.ts';
import { SyncConfigs } from './sync-configs.ts';

export interface ConfigsOptions {
  readonly namespace: string;
  readonly metrics?: KubeMetrics;
  readonly onError: (err: unknown) => void;
}

/** Everything that is configured about syncs: sources, pushers and syncs, and what belongs to them. */
export class Configs {
  readonly sources: EndpointConfigs<SyncSource>;
  readonly pushers: EndpointConfigs<SyncPusher>;
  readonly syncs: SyncConfigs;
  readonly syncWriter: ConfigWriter<SyncTask>;
  readonly fields: FieldStore;
  readonly secrets: ConfigSecrets;

  constructor(client: KubeClient, blobs: Blobs, options: ConfigsOptions) {
    const sources = new ConfigDirectory(client, SOURCE, options);
    const pushers = new ConfigDirectory(client, PUSHER, options);
    const syncs = new ConfigDirectory(client, SYNC, { ...options, transform: withoutPositions });
    const secrets = new ConfigSecrets(client, options.namespace);
    const syncWriter = new ConfigWriter(client, syncs);
    const shared = { secrets, syncs, syncWriter };
    this.sources = new EndpointConfigs({ directory: sources, writer: new ConfigWriter(client, sources), ...shared });
    this.pushers = new EndpointConfigs({ directory: pushers, writer: new ConfigWriter(client, pushers), ...shared });
    this.syncs = new SyncConfigs({ directory: syncs, writer: syncWriter, sources, pushers });
    this.syncWriter = syncWriter;
    this.fields = new FieldStore(client, blobs);
    this.secrets = secrets;
  }

  get hasSynced(): boolean {
    return this.#directories.every(({ hasSynced }) => hasSynced);
  }

  /** When the API server was last heard of about all of them, by performance.now(). */
  get lastContactAt(): number {
    return Math.min(...this.#directories.map(({ lastContactAt }) => lastContactAt));
  }

  async run(signal: AbortSignal): Promise<void> {
    await Promise.all(this.#directories.map((directory) => directory.run(signal)));
  }

  /** Removes Secrets that nothing names any more, and gives the others to their owners. */
  async settleSecrets(now: Date): Promise<void> {
    const find = async (word: string, name: string): Promise<Endpoint | undefined> => {
      if (name === '') return undefined;
      const directory = word === 'source' ? this.sources.directory : this.pushers.directory;
      // Of one that is being deleted, agents may still need the login.
      return directory.read(name);
    };
    await this.secrets.settle(find, now);
  }

  get #directories(): readonly Pick<ConfigDirectory<SyncTask>, 'hasSynced' | 'lastContactAt' | 'run'>[] {
    return [this.sources.directory, this.pushers.directory, this.syncs.directory];
  }
}

/** They are for agents, and bulky. */
function withoutPositions(sync: SyncTask): SyncTask {
  if (sync.status === undefined) return sync;
  const { checkpoints: _checkpoints, snapshot, ...status } = sync.status;
  const { cursor: _cursor, ...progress } = snapshot ?? { state: undefined };
  sync.status = { ...status, ...(snapshot && { snapshot: progress as typeof snapshot }) };
  return sync;
}
