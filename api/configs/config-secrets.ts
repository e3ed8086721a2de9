import { randomBytes } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { isConflict, isNotFound } from '../../kube/kube-error.ts';
import { secrets } from '../../kube/resource.ts';
import type { Secret } from '../../kube/resource.ts';
import { CREDENTIAL_TYPE } from '../tasks/task-secrets.ts';
import type { ConfigKind, Endpoint } from './config-kind.ts';

/** On every Secret that the API makes for a configuration: `source` or `pusher`. */
export const CONFIG_LABEL = 'tiangong.io/sync-config';

/** The name of the configuration, which alone may use the Secret. */
const CONFIG_NAME = 'tiangong.io/sync-config-name';

/** Its uid, once it is known: another configuration may have the same name later. */
const CONFIG_UID = 'tiangong.io/sync-config-uid';

/** A Secret that no configuration names is removed after this long: whoever made it has had the time to name it. */
const UNUSED_MS = 600_000;

export type CredentialData = Readonly<Record<string, string>>;

/**
 * Logins of sources and pushers. A Secret is made before the configuration that names it and never changed: another login
 * is another Secret, so that the configuration changes with it. A crash may leave one that nothing names; `settle` looks
 * for those.
 */
export class ConfigSecrets {
  readonly #client: KubeClient;
  readonly #namespace: string;

  constructor(client: KubeClient, namespace: string) {
    this.#client = client;
    this.#namespace = namespace;
  }

  /** Returns the name of the Secret. */
  async create(word: ConfigKind<Endpoint>['word'], configName: string, data: CredentialData): Promise<string> {
    const name = `${word}-${configName}-${randomBytes(5).toString('hex')}`;
    const encoded = Object.entries(data).map(([key, value]) => [key, Buffer.from(value).toString('base64')]);
    await this.#client.create(secrets, this.#namespace, {
      metadata: { name, labels: { [CONFIG_LABEL]: word }, annotations: { [CONFIG_NAME]: configName } },
      type: CREDENTIAL_TYPE,
      data: Object.fromEntries(encoded) as Record<string, string>,
    });
    return name;
  }

  /** Makes the configuration the owner, so that the Secret goes when it goes. */
  async adopt(kind: string, { metadata: { name, uid = '' } }: Endpoint, secretName: string): Promise<void> {
    const ownerReferences = [{ apiVersion: 'tiangong.io/v1alpha1', kind, name, uid }];
    await this.#client.patch(secrets, this.#namespace, secretName, {
      metadata: { ownerReferences, annotations: { [CONFIG_UID]: uid } },
    });
  }

  /** What the Secret of a configuration holds, if the API made it for just this one. */
  async read(config: Endpoint): Promise<CredentialData | undefined> {
    const ref = config.spec.secret_ref;
    if (ref === undefined) return undefined;
    const secret = await this.#find(ref);
    if (secret?.type !== CREDENTIAL_TYPE || !isMadeForConfig(secret, config)) return undefined;
    const entries = Object.entries(secret.data ?? {});
    return Object.fromEntries(entries.map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
  }

  /** Removes a Secret that the API made for just this configuration, and no other. */
  async remove(config: Endpoint, name: string): Promise<void> {
    const secret = await this.#find(name);
    if (secret !== undefined && isMadeForConfig(secret, config)) await this.#delete(secret);
  }

  /** Removes a Secret that `create` made and nothing names. */
  async discard(name: string): Promise<void> {
    const secret = await this.#find(name);
    if (secret !== undefined) await this.#delete(secret);
  }

  /**
   * Gives Secrets to the configurations that name them, and removes those that no configuration names and that are not
   * new. `find` must ask the API server.
   */
  async settle(find: (word: string, name: string) => Promise<Endpoint | undefined>, now: Date): Promise<void> {
    for await (const secret of this.#made()) {
      const { name, labels, annotations, ownerReferences = [], creationTimestamp = '' } = secret.metadata;
      const config = await find(labels?.[CONFIG_LABEL] ?? '', annotations?.[CONFIG_NAME] ?? '');
      if (config?.spec.secret_ref === name && isMadeForConfig(secret, config)) {
        if (ownerReferences.length === 0) await this.adopt(config.kind ?? '', config, name);
      } else if (now.getTime() - (Date.parse(creationTimestamp) || 0) >= UNUSED_MS) await this.#delete(secret);
    }
  }

  async *#made(): AsyncGenerator<Secret> {
    let position: string | undefined;
    do {
      const page = await this.#client.list(secrets, this.#namespace, {
        labelSelector: CONFIG_LABEL,
        limit: 500,
        ...(position && { continue: position }),
      });
      for (const secret of page.items ?? []) if (secret.type === CREDENTIAL_TYPE) yield secret;
      position = page.metadata.continue;
    } while (position);
  }

  async #find(name: string): Promise<Secret | undefined> {
    try {
      return await this.#client.get(secrets, this.#namespace, name);
    } catch (err) {
      if (isNotFound(err)) return undefined;
      throw err;
    }
  }

  /** Not if it has changed since it was looked at. */
  async #delete({ metadata: { name, uid = '', resourceVersion = '' } }: Secret): Promise<void> {
    try {
      await this.#client.delete(secrets, this.#namespace, name, { uid, resourceVersion });
    } catch (err) {
      if (!isNotFound(err) && !isConflict(err)) throw err;
    }
  }
}

/** Whether the API made the Secret for just this configuration, and not for an earlier one of its name. */
export function isMadeForConfig({ metadata }: Secret, config: Endpoint): boolean {
  const { labels, annotations, ownerReferences = [] } = metadata;
  return (
    labels?.[CONFIG_LABEL] === WORDS[config.kind ?? ''] &&
    annotations?.[CONFIG_NAME] === config.metadata.name &&
    (annotations?.[CONFIG_UID] ?? config.metadata.uid) === config.metadata.uid &&
    ownerReferences.every(({ uid }) => uid === config.metadata.uid)
  );
}

const WORDS: Readonly<Record<string, string>> = { SyncSource: 'source', SyncPusher: 'pusher' };
