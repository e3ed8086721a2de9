import type { KubeClient } from '../../../kube/client.ts';
import { abortable } from '../database/deadline.ts';
import { K8sFailure } from './k8s-failure.ts';
import { readKinds } from './read-kinds.ts';
import { apiVersionOf } from './target.ts';
import type { ResourceKind } from './target.ts';

/** CRDs come and go: what is found is believed for this long. What is not found is always asked for again. */
const MAX_AGE_MS = 10 * 60_000;
/** A task that names kinds which are not there shall not make the server list all its kinds for each. */
const MIN_AGE_MS = 500;

/** The kinds that one API server has: read when first asked for, and again on a miss. */
export class Discovery {
  readonly #client: KubeClient;
  #kinds: Promise<readonly ResourceKind[]> | undefined;
  #readAt = -Infinity;

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The kind of a manifest. Throws `K8sFailure` when the server has none such. */
  async byApiVersion(apiVersion: string, kind: string, signal: AbortSignal): Promise<ResourceKind> {
    const found = await this.findByApiVersion(apiVersion, kind, signal);
    if (found !== undefined) return found;
    throw new K8sFailure('NoMatchForKind', `no matches for kind "${kind}" in version "${apiVersion}"`);
  }

  findByApiVersion(apiVersion: string, kind: string, signal: AbortSignal): Promise<ResourceKind | undefined> {
    return this.#find((known) => known.kind === kind && apiVersionOf(known) === apiVersion, signal);
  }

  /**
   * A kind by any name that kubectl knows it by: kind, plural, singular or short name in any case, also followed by a dot
   * and its group. Throws `K8sFailure`.
   */
  async byName(name: string, apiVersion: string | undefined, signal: AbortSignal): Promise<ResourceKind> {
    const [first = '', ...rest] = name.toLowerCase().split('.');
    const group = rest.join('.');
    const found = await this.#find(
      (known) =>
        (apiVersion === undefined || apiVersionOf(known) === apiVersion) &&
        (group === '' || [known.group, `${known.version}.${known.group}`].includes(group)) &&
        [known.plural, known.singular, known.kind.toLowerCase(), ...known.shortNames].includes(first),
      signal,
    );
    if (found !== undefined) return found;
    const version = apiVersion === undefined ? '' : ` in version "${apiVersion}"`;
    throw new K8sFailure('NoMatchForKind', `no matches for kind "${name}"${version}`);
  }

  /** Forgets what is known: an answer has shown that it is old. */
  invalidate(): void {
    this.#readAt = -Infinity;
  }

  async #find(matches: (kind: ResourceKind) => boolean, signal: AbortSignal): Promise<ResourceKind | undefined> {
    const known = (await abortable(this.#read(MAX_AGE_MS), signal)).find(matches);
    return known ?? (await abortable(this.#read(MIN_AGE_MS), signal)).find(matches);
  }

  /** Without the signal of a task: others wait for the same reading. */
  #read(maxAgeMs: number): Promise<readonly ResourceKind[]> {
    if (this.#kinds !== undefined && performance.now() - this.#readAt <= maxAgeMs) return this.#kinds;
    this.#readAt = performance.now();
    const kinds = readKinds(this.#client);
    this.#kinds = kinds;
    kinds.catch(() => {
      // The next one asks again.
      if (this.#kinds === kinds) this.#kinds = undefined;
    });
    return kinds;
  }
}
