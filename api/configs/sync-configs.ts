import type { SyncPusher } from '../../kube/types/syncpusher.ts';
import type { SyncSource } from '../../kube/types/syncsource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { ApiError } from '../errors.ts';
import type { SyncBody } from './config-body.ts';
import type { ConfigDirectory } from './config-directory.ts';
import { idOf } from './config-id.ts';
import type { Endpoint } from './config-kind.ts';
import { syncFields } from './config-spec.ts';
import type { ConfigWriter } from './config-writer.ts';
import { toSyncView } from './config-view.ts';
import type { SyncView } from './config-view.ts';

export interface SyncConfigsParts {
  readonly directory: ConfigDirectory<SyncTask>;
  readonly writer: ConfigWriter<SyncTask>;
  readonly sources: ConfigDirectory<SyncSource>;
  readonly pushers: ConfigDirectory<SyncPusher>;
}

/** Configurations of syncs. */
export class SyncConfigs {
  readonly directory: ConfigDirectory<SyncTask>;
  readonly #parts: SyncConfigsParts;

  constructor(parts: SyncConfigsParts) {
    this.directory = parts.directory;
    this.#parts = parts;
  }

  /** The configuration as REST shows it: objects name each other by name, REST by id. */
  view(sync: SyncTask): SyncView {
    const { sources, pushers } = this.#parts;
    const idIn = (directory: ConfigDirectory<SyncSource> | ConfigDirectory<SyncPusher>, name: string): string => {
      const found = directory.peek(name);
      return found === undefined ? name : idOf(found);
    };
    return toSyncView(sync, { source: idIn(sources, sync.spec.source), pusher: idIn(pushers, sync.spec.pusher) });
  }

  async add(id: string, body: SyncBody): Promise<SyncTask> {
    const { writer } = this.#parts;
    await writer.requireFree(id);
    const sync = await writer.create(id, { spec: syncFields(body, await this.#dependencies(body)) });
    // Whoever deletes a source or a pusher meanwhile may have looked for its syncs before there was this one.
    await this.#dependencies(body).catch(async (err: unknown) => {
      if (err instanceof ApiError) await writer.delete(sync);
      throw err;
    });
    return sync;
  }

  /** Puts what was sent in place of the configuration; `disabled` and what runs stay as they are when they are left out. */
  async edit(id: string, body: SyncBody): Promise<SyncTask> {
    const fields = syncFields(body, await this.#dependencies(body));
    return this.#parts.writer.update(id, (present) => {
      const { id: own, disabled = true, desiredState = 'Stopped' } = present.spec;
      return { ...present, spec: { ...(own !== undefined && { id: own }), disabled, desiredState, ...fields } };
    });
  }

  /** Rejects with `DependencyDisabled`, before anything is written, when the source or the pusher is. */
  async enable(id: string): Promise<void> {
    await this.#parts.writer.update(id, async (present) => {
      const { source, pusher } = present.spec;
      await this.#requireEnabled(this.#parts.sources, source, id);
      await this.#requireEnabled(this.#parts.pushers, pusher, id);
      return present.spec.disabled === false ? present : { ...present, spec: { ...present.spec, disabled: false } };
    });
  }

  async disable(id: string): Promise<void> {
    await this.#parts.writer.update(id, (present) =>
      present.spec.disabled === true ? present : { ...present, spec: { ...present.spec, disabled: true } },
    );
  }

  async remove(id: string): Promise<void> {
    const { directory, writer } = this.#parts;
    if (!(await writer.delete(await directory.requireFresh(id)))) throw directory.notFound(id);
  }

  async #dependencies(body: SyncBody): Promise<{ source: string; pusher: string }> {
    const { sources, pushers } = this.#parts;
    const source = await sources.findFresh(body.source);
    if (source === undefined) throw dependencyNotFound('source', body.source);
    const pusher = await pushers.findFresh(body.pusher);
    if (pusher === undefined) throw dependencyNotFound('pusher', body.pusher);
    return { source: source.metadata.name, pusher: pusher.metadata.name };
  }

  async #requireEnabled<T extends Endpoint>(
    directory: ConfigDirectory<T>,
    name: string,
    syncId: string,
  ): Promise<void> {
    const { title, word } = directory.kind;
    const config = await directory.read(name);
    if (config === undefined || config.metadata.deletionTimestamp !== undefined) throw dependencyNotFound(word, name);
    if (config.spec.disabled !== false)
      throw new ApiError(
        'DependencyDisabled',
        `${title} '${idOf(config)}' for sync '${syncId}' is disabled. Please enable the ${word} first.`,
      );
  }
}

const dependencyNotFound = (word: string, id: string): ApiError =>
  new ApiError('DependencyNotFound', `Dependency ${word} '${id}' not found.`);
