import type { KubeObject } from './object.ts';
import type { Resource } from './resource.ts';

/** The server refuses to let the objects of one resource be read, in one namespace or in all. */
export class RefusedNamespaceError extends Error {
  override readonly name = 'RefusedNamespaceError';

  constructor({ plural, group }: Resource<KubeObject>, namespace: string | undefined, cause: unknown) {
    const what = group === '' ? plural : `${plural}.${group}`;
    const [where, instead] =
      namespace === undefined
        ? ['all namespaces', 'name single namespaces by --namespaces']
        : [`namespace ${namespace}`, 'take it out of --namespaces'];
    super(
      `no right to list and watch ${what} in ${where}: grant it (the chart does by scope.namespaces or scope.clusterWide) ` +
        `or ${instead}. It is tried again.`,
      { cause },
    );
  }
}
