import type { KubeObject } from '../../../kube/object.ts';

/** One version of one object: its JSON text, and the object parsed when first asked for. Never mutate `object`. */
export class StoredObject {
  readonly key: string;
  readonly revision: number;
  /** The object as it is served: compact JSON. */
  readonly text: string;
  #object: KubeObject | undefined;

  constructor(key: string, revision: number, text: string, object?: KubeObject) {
    this.key = key;
    this.revision = revision;
    this.text = text;
    this.#object = object;
  }

  get object(): KubeObject {
    return (this.#object ??= JSON.parse(this.text) as KubeObject);
  }
}

/** A write that has become durable. */
export interface Change {
  readonly type: 'ADDED' | 'MODIFIED' | 'DELETED';
  readonly revision: number;
  /** `<group>/<plural>` that the object is stored under. */
  readonly storedAs: string;
  /** The object after the write; for a delete its last state, with the delete's resourceVersion. */
  readonly current: StoredObject;
  /** The object before the write; undefined for ADDED. */
  readonly previous: StoredObject | undefined;
}

/** Key of an object. `storedAs` is `<group>/<plural>`; namespace empty for cluster-wide kinds. */
export function keyOf(storedAs: string, namespace: string, name: string): string {
  return namespace === '' ? `${storedAs}/${name}` : `${storedAs}/${namespace}/${name}`;
}

/** Start and end of the keys of a kind, or of a kind in a namespace. */
export function keyRange(storedAs: string, namespace: string): { start: string; end: string } {
  const prefix = namespace === '' ? `${storedAs}/` : `${storedAs}/${namespace}/`;
  // '0' follows '/' in ASCII.
  return { start: prefix, end: `${prefix.slice(0, -1)}0` };
}

/** `<group>/<plural>` of a key. */
export function storedAsOf(key: string): string {
  return key.slice(0, key.indexOf('/', key.indexOf('/') + 1));
}
