import type { KubeClient } from '../../kube/client.ts';
import { isForbidden } from '../../kube/kube-error.ts';
import { until } from '../programs/until.ts';

const ROOT = '/apis/admissionregistration.k8s.io/v1';
const NAME = 'sentinel';
const PATIENCE_MS = 60_000;

/**
 * Waits until the API server heeds the policies that were created before. It takes them up in the order of their creation,
 * a second or so later: so two more are made, which are about nothing but a ConfigMap of the namespace, and awaited.
 */
export async function untilPoliciesHold(admin: KubeClient, namespace: string): Promise<void> {
  const name = `${NAME}.${namespace}`;
  const resourceRules = [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['configmaps'] }];
  const shared = { failurePolicy: 'Fail', matchConstraints: { resourceRules } };
  const expression = "[JSONPatch{op: 'add', path: '/metadata/labels', value: {'marked': 'yes'}}]";
  const mutation = {
    ...{ ...shared, reinvocationPolicy: 'Never' },
    mutations: [{ patchType: 'JSONPatch', jsonPatch: { expression } }],
  };
  const validation = { ...shared, validations: [{ expression: 'false', reason: 'Forbidden' }] };
  const matchResources = { namespaceSelector: { matchLabels: { 'kubernetes.io/metadata.name': namespace } } };
  const binding = { policyName: name, matchResources };
  const create = (plural: string, spec: object): Promise<unknown> =>
    admin.raw({ method: 'POST', path: `${ROOT}/${plural}`, body: JSON.stringify({ metadata: { name }, spec }) });
  const probe = (): Promise<{ readonly metadata?: { readonly labels?: Readonly<Record<string, string>> } }> =>
    admin.raw({
      method: 'POST',
      path: `/api/v1/namespaces/${namespace}/configmaps?dryRun=All`,
      body: JSON.stringify({ metadata: { name: NAME } }),
    });
  const isMarked = (): Promise<boolean> =>
    probe().then(
      ({ metadata }) => metadata?.labels?.['marked'] === 'yes',
      () => false,
    );
  const isDenied = (): Promise<boolean> => probe().then(() => false, isForbidden);
  await create('mutatingadmissionpolicies', mutation);
  await create('mutatingadmissionpolicybindings', binding);
  await until(isMarked, PATIENCE_MS, 'mutating policies to hold');
  await create('validatingadmissionpolicies', validation);
  await create('validatingadmissionpolicybindings', { ...binding, validationActions: ['Deny'] });
  await until(isDenied, PATIENCE_MS, 'validating policies to hold');
  for (const kind of ['validating', 'mutating'])
    for (const plural of ['admissionpolicybindings', 'admissionpolicies'])
      await admin.raw({ method: 'DELETE', path: `${ROOT}/${kind}${plural}/${name}` });
}
