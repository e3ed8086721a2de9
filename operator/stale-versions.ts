import type { KubeObject } from '../kube/object.ts';

/**
 * Knows which versions of objects have been overtaken, by a write of ours or by one that ours collided with, while the
 * informer still shows them. Deciding on such a version again would only bring another conflict; the newer one is on
 * its way and wakes the key.
 */
export class StaleVersions {
  readonly #versions = new Map<string, string>();

  add(key: string, object: KubeObject): void {
    this.#versions.set(key, object.metadata.resourceVersion ?? '');
  }

  has(key: string, object: KubeObject): boolean {
    return this.#versions.get(key) === (object.metadata.resourceVersion ?? '');
  }

  /** Takes in what the informer shows now; undefined: the object is gone. */
  observe(key: string, object: KubeObject | undefined): void {
    if (object === undefined || !this.has(key, object)) this.#versions.delete(key);
  }
}
