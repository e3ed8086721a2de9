import type { KubeObject } from '../../../kube/object.ts';
import { resourcePath } from '../../../kube/resource.ts';
import type { Resource } from '../../../kube/resource.ts';

/** One kind of object that a server has, as its discovery tells. */
export interface ResourceKind extends Resource<KubeObject> {
  readonly namespaced: boolean;
  readonly singular: string;
  readonly shortNames: readonly string[];
}

/** An object, there or not. */
export interface Target {
  readonly kind: ResourceKind;
  /** Undefined for kinds of the whole cluster. */
  readonly namespace: string | undefined;
  /** Empty when the server is to make one up. */
  readonly name: string;
}

export const apiVersionOf = ({ group, version }: ResourceKind): string =>
  group === '' ? version : `${group}/${version}`;

/** How people name it: `Pod/nginx-pod`. */
export const labelOf = ({ kind, name }: Target): string => `${kind.kind}/${name}`;

/** As in the manual's log: `Pod/nginx-pod in namespace default`. */
export const placeOf = (target: Target): string =>
  target.namespace === undefined ? labelOf(target) : `${labelOf(target)} in namespace ${target.namespace}`;

export const objectPath = ({ kind, namespace, name }: Target, subresource?: string): string =>
  resourcePath(kind, namespace, name, subresource);
