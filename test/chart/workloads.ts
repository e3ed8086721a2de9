import type { V1PodTemplateSpec } from '@kubernetes/client-node';
import type { KubeObject } from '../../kube/object.ts';

type Pod = KubeObject & { readonly spec: NonNullable<V1PodTemplateSpec['spec']> };
type Workload = KubeObject & {
  readonly spec?: { readonly template?: V1PodTemplateSpec; readonly selector?: unknown };
};

/** The pods that the objects make, as Pods of the name of their workload. */
export function podsOf(objects: readonly KubeObject[]): Pod[] {
  return (objects as readonly Workload[]).flatMap((object) => {
    if (object.kind === 'Pod') return [object as Pod];
    const template = object.spec?.template;
    if (template?.spec === undefined) return [];
    const { name, namespace } = object.metadata;
    const labels = template.metadata?.labels ?? {};
    return [
      {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata: { name, ...(namespace && { namespace }), labels },
        spec: template.spec,
      },
    ];
  });
}

/** By kind and name, the labels that workloads, Services and budgets select pods by. */
export function selectorsOf(objects: readonly KubeObject[]): Record<string, unknown> {
  const kinds = ['Deployment', 'DaemonSet', 'PodDisruptionBudget', 'Service'];
  return Object.fromEntries(
    (objects as readonly Workload[])
      .filter(({ kind = '', metadata }) => kinds.includes(kind) && !metadata.name.endsWith('-metrics'))
      .map(({ kind, metadata, spec }) => [`${kind} ${metadata.name}`, spec?.selector]),
  );
}
