import { KubeError } from '../../kube/kube-error.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { ApiError } from '../errors.ts';
import type { SentCredential } from './config-body.ts';
import type { ConfigDirectory } from './config-directory.ts';
import { idOf, nameOfId } from './config-id.ts';
import type { Endpoint } from './config-kind.ts';
import type { ConfigSecrets } from './config-secrets.ts';
import type { ConfigWriter } from './config-writer.ts';
import { decideLogin, SHOWN_CREDENTIAL, shownAnnotation } from './credential.ts';
import type { LoginDecision } from './credential.ts';

export interface EndpointConfigsParts<T extends Endpoint> {
  readonly directory: ConfigDirectory<T>;
  readonly writer: ConfigWriter<T>;
  readonly secrets: ConfigSecrets;
  readonly syncs: ConfigDirectory<SyncTask>;
  readonly syncWriter: ConfigWriter<SyncTask>;
}

/** What a request says of a source or a pusher: all of its spec but its id, and its login. */
export interface SentConfig<T extends Endpoint> {
  readonly fields: Omit<T['spec'], 'id' | 'secret_ref' | 'credential'>;
  readonly login: { readonly credential: SentCredential | undefined; readonly secret_ref: string | undefined };
}

/** Sources, or pushers: configurations with a login, which syncs name. */
export class EndpointConfigs<T extends Endpoint> {
  readonly directory: ConfigDirectory<T>;
  readonly #parts: EndpointConfigsParts<T>;

  constructor(parts: EndpointConfigsParts<T>) {
    this.directory = parts.directory;
    this.#parts = parts;
  }

  async add(id: string, { fields, login }: SentConfig<T>): Promise<T> {
    const { writer, secrets } = this.#parts;
    await writer.requireFree(id);
    const decision = await decideLogin(login, undefined, secrets);
    const made = await this.#createSecret(nameOfId(id), decision);
    return this.#withSecret(made, () =>
      writer.create(id, {
        spec: { ...fields, ...secretRef(decision, made) } as Omit<T['spec'], 'id'>,
        annotations: annotation(decision, made),
      }),
    );
  }

  /**
   * Puts what was sent in place of the configuration. What is left out has its default, but for `disabled` and the login,
   * which stay as they are. Resolves with the configuration before and after.
   */
  async edit(id: string, { fields, login }: SentConfig<T>): Promise<{ before: T; after: T }> {
    const { writer, secrets } = this.#parts;
    let before: T | undefined;
    const present = await this.directory.requireFresh(id);
    const decision = await decideLogin(login, present, secrets);
    const made = await this.#createSecret(present.metadata.name, decision);
    const after = await this.#withSecret(made, () =>
      writer.update(id, async (now) => {
        before = now;
        // Another edit came between: what *** stands for may be another Secret now, or none.
        if (now.spec.secret_ref !== present.spec.secret_ref && decision.type !== 'name')
          throw new ApiError(
            'ConfigChanged',
            `${this.directory.kind.title} config '${id}' has just been changed; try again`,
          );
        const { id: own, secret_ref, disabled } = now.spec;
        const ref =
          decision.type === 'keep' ? (secret_ref === undefined ? {} : { secret_ref }) : secretRef(decision, made);
        const { [SHOWN_CREDENTIAL]: _shown, ...others } = now.metadata.annotations ?? {};
        const annotations =
          decision.type === 'keep' ? now.metadata.annotations : { ...others, ...annotation(decision, made) };
        const spec = { ...(own !== undefined && { id: own }), disabled, ...fields, ...ref };
        return { ...now, metadata: { ...now.metadata, ...(annotations && { annotations }) }, spec };
      }),
    );
    const old = before?.spec.secret_ref;
    if (old !== undefined && old !== after.spec.secret_ref) await secrets.remove(after, old);
    return { before: before ?? after, after };
  }

  /** `check` may refuse, and is asked about the configuration that is changed. */
  async setDisabled(id: string, disabled: boolean, check?: (present: T) => void): Promise<T> {
    return this.#parts.writer.update(id, (present) => {
      check?.(present);
      if (present.spec.disabled === disabled) return present;
      return { ...present, spec: { ...present.spec, disabled } };
    });
  }

  /** Deletes the configuration and the syncs that name it (manual, section 2). What a crash leaves, the operator deletes. */
  async remove(id: string): Promise<void> {
    const { writer, syncs, syncWriter } = this.#parts;
    const config = await this.directory.requireFresh(id);
    if (!(await writer.delete(config))) throw this.directory.notFound(id);
    const field = this.directory.kind.word;
    for (const sync of await syncs.listFresh(`spec.${field}=${config.metadata.name}`)) await syncWriter.delete(sync);
    await this.#removeSecret(config);
  }

  /** Deletes those that are disabled and that no sync names. Resolves with their ids. */
  async cleanup(): Promise<string[]> {
    const { writer, syncs } = this.#parts;
    const { word } = this.directory.kind;
    const configs = await this.directory.listFresh();
    // Read last: a sync that was made meanwhile counts.
    const used = new Set((await syncs.listFresh()).map(({ spec }) => (word === 'source' ? spec.source : spec.pusher)));
    const deleted: string[] = [];
    for (const config of configs) {
      if (config.spec.disabled === false || used.has(config.metadata.name)) continue;
      if (!(await writer.delete(config, { unchanged: true }))) continue;
      deleted.push(idOf(config));
      await this.#removeSecret(config);
    }
    return deleted;
  }

  /** Not of one that is held: agents need its login to clean up after its syncs. It owns the Secret, which goes with it. */
  async #removeSecret(config: T): Promise<void> {
    const { secret_ref: ref } = config.spec;
    if (ref !== undefined && (config.metadata.finalizers ?? []).length === 0)
      await this.#parts.secrets.remove(config, ref);
  }

  async #createSecret(configName: string, decision: LoginDecision): Promise<string | undefined> {
    if (decision.type !== 'create') return undefined;
    return this.#parts.secrets.create(this.directory.kind.word, configName, decision.data);
  }

  /** Gives a new Secret to what `write` resolves with; takes it back when the write is known to have failed. */
  async #withSecret(made: string | undefined, write: () => Promise<T>): Promise<T> {
    const { secrets } = this.#parts;
    try {
      const written = await write();
      // Else the cleanup gives it to its owner.
      if (made !== undefined)
        await secrets.adopt(this.directory.kind.resource.kind, written, made).catch(() => undefined);
      return written;
    } catch (err) {
      const failed = err instanceof ApiError || (err instanceof KubeError && err.code < 500);
      if (made !== undefined && failed) await secrets.discard(made).catch(() => undefined);
      throw err;
    }
  }
}

function secretRef(decision: LoginDecision, made: string | undefined): { secret_ref?: string } {
  const ref = decision.type === 'name' ? decision.ref : made;
  return ref === undefined ? {} : { secret_ref: ref };
}

function annotation(decision: LoginDecision, made: string | undefined): Record<string, string> {
  return decision.type === 'create' && made !== undefined ? shownAnnotation(made, decision.shown) : {};
}
