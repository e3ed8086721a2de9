import type { KubeObject } from '../../../kube/object.ts';

/** Which objects name which owner, by uid: only objects with owners take room. */
export class OwnerIndex {
  readonly #dependents = new Map<string, Set<string>>();
  readonly #ownersOf = new Map<string, readonly string[]>();

  /** Takes note of an object's owners as they are now; of none when it is gone. */
  set(key: string, object: KubeObject | undefined): void {
    for (const uid of this.#ownersOf.get(key) ?? []) {
      const keys = this.#dependents.get(uid);
      keys?.delete(key);
      if (keys?.size === 0) this.#dependents.delete(uid);
    }
    const owners = object?.metadata.ownerReferences?.map(({ uid }) => uid) ?? [];
    if (owners.length === 0) {
      this.#ownersOf.delete(key);
      return;
    }
    this.#ownersOf.set(key, owners);
    for (const uid of owners) {
      let keys = this.#dependents.get(uid);
      if (keys === undefined) this.#dependents.set(uid, (keys = new Set()));
      keys.add(key);
    }
  }

  dependentsOf(uid: string): readonly string[] {
    return [...(this.#dependents.get(uid) ?? [])];
  }

  get keys(): IterableIterator<string> {
    return this.#ownersOf.keys();
  }
}
