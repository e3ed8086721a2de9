import type { KubeClient } from '../../kube/client.ts';

/** Has the cluster know the kinds of the Prometheus operator that the chart makes objects of; their fields are not checked. */
export async function defineMonitoring(client: KubeClient): Promise<void> {
  for (const kind of ['PodMonitor', 'ServiceMonitor']) {
    const [singular, group] = [kind.toLowerCase(), 'monitoring.coreos.com'];
    const plural = `${singular}s`;
    const openAPIV3Schema = { type: 'object', 'x-kubernetes-preserve-unknown-fields': true };
    await client.raw({
      method: 'POST',
      path: '/apis/apiextensions.k8s.io/v1/customresourcedefinitions',
      body: JSON.stringify({
        apiVersion: 'apiextensions.k8s.io/v1',
        kind: 'CustomResourceDefinition',
        metadata: { name: `${plural}.${group}` },
        spec: {
          group,
          scope: 'Namespaced',
          names: { kind, plural, singular },
          versions: [{ name: 'v1', served: true, storage: true, schema: { openAPIV3Schema } }],
        },
      }),
    });
  }
}
