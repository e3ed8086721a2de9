import { readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import type { KubeObject } from '../../kube/object.ts';
import { render } from '../chart/helm.ts';
import type { ChartValues } from '../chart/helm.ts';
import { startCluster } from '../kubernetes/cluster.ts';
import type { Cluster } from '../kubernetes/cluster.ts';

/** What one call at the API server was, of those that the audit log has. */
export interface AuditedCall {
  readonly user: string;
  readonly verb: string;
  readonly group: string;
  /** With its subresource, such as `deploytasks/status`. */
  readonly resource: string;
  readonly namespace: string;
  readonly name: string;
  readonly status: number;
  readonly message: string;
}

/** A real API server with nothing of the chart but who may do what. */
export interface InstalledRights {
  readonly cluster: Cluster;
  readonly namespace: string;
  /** Writes a kubeconfig with a token of a ServiceAccount of the namespace and gives its path. */
  kubeconfig(account: string, boundTo?: { kind: 'Pod'; name: string }): Promise<string>;
  /** Every call of the ServiceAccounts so far. */
  calls(): AuditedCall[];
}

const POLICY = {
  apiVersion: 'audit.k8s.io/v1',
  kind: 'Policy',
  omitStages: ['RequestReceived', 'ResponseStarted'],
  rules: [{ level: 'Metadata' }],
};

/** What helm installs before what runs, and of it only rights. */
const KINDS = [
  ...['Namespace', 'ServiceAccount', 'ClusterRole', 'Role', 'ClusterRoleBinding', 'RoleBinding'],
  ...['ValidatingAdmissionPolicy', 'ValidatingAdmissionPolicyBinding'],
  ...['MutatingAdmissionPolicy', 'MutatingAdmissionPolicyBinding'],
];

/** Starts an API server and installs the rights of the chart into the namespace `tiangong`; the release has that name, too. */
export async function startWithRights(values: ChartValues = {}): Promise<InstalledRights> {
  const files = join(tmpdir(), `tiangong-audit-${randomBytes(5).toString('hex')}`);
  await writeFile(`${files}.json`, JSON.stringify(POLICY));
  const cluster = await startCluster({
    apiServerArgs: [
      '--audit-policy-file',
      `${files}.json`,
      '--audit-log-path',
      `${files}.log`,
      '--audit-log-mode',
      'blocking',
    ],
  });
  const namespace = 'tiangong';
  const post = (path: string, body: object): Promise<unknown> =>
    cluster.client().raw({ method: 'POST', path, body: JSON.stringify(body) });
  await post('/api/v1/namespaces', { metadata: { name: namespace } });
  const admission = 'admissionregistration.k8s.io/v1';
  const objects = await render(values, { namespace, apiVersions: [`${admission}/MutatingAdmissionPolicy`] });
  for (const kind of KINDS)
    for (const object of objects.filter((found) => found.kind === kind)) await post(collectionOf(object), object);
  await post('/api/v1/nodes', { metadata: { name: 'n1' } });

  const kubeconfig: InstalledRights['kubeconfig'] = async (account, boundTo) => {
    const path = `/api/v1/namespaces/${namespace}/serviceaccounts/${account}/token`;
    const boundObjectRef = boundTo && { ...boundTo, apiVersion: 'v1' };
    const { status } = (await post(path, {
      spec: { expirationSeconds: 7200, ...(boundObjectRef && { boundObjectRef }) },
    })) as {
      status: { token: string };
    };
    const file = join(cluster.folder, 'kubeconfigs', `${account}-${boundTo?.name ?? 'unbound'}.json`);
    await writeFile(file, JSON.stringify(configOf(cluster.url, status.token, namespace)), { mode: 0o600 });
    return file;
  };
  return { cluster, namespace, kubeconfig, calls: () => readCalls(`${files}.log`) };
}

/** A pod as the scheduler leaves it: nothing runs, but tokens can be bound to it. */
export function scheduledPod(name: string, serviceAccountName: string): object {
  return {
    metadata: { name },
    spec: { serviceAccountName, nodeName: 'n1', containers: [{ name: 'agent', image: 'none' }] },
  };
}

function collectionOf({ apiVersion = '', kind = '', metadata }: KubeObject): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = kind.toLowerCase().replace(/y$/, 'ie');
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  return `${root}${scope}/${plural}s`;
}

function configOf(server: string, token: string, namespace: string): object {
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'test', user: { token } }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'test', namespace } }],
    'current-context': 'test',
  };
}

interface AuditEvent {
  readonly verb: string;
  readonly user: { readonly username?: string };
  readonly objectRef?: Readonly<
    Record<'resource' | 'subresource' | 'apiGroup' | 'namespace' | 'name', string | undefined>
  >;
  readonly responseStatus?: { readonly code?: number; readonly message?: string };
}

function readCalls(file: string): AuditedCall[] {
  const lines = readFileSync(file, 'utf8').split('\n');
  const events = lines.filter((line) => line !== '').map((line) => JSON.parse(line) as AuditEvent);
  return events
    .filter(({ user, objectRef }) => user.username?.startsWith('system:serviceaccount:') === true && objectRef)
    .map(({ verb, user, objectRef, responseStatus }) => ({
      user: user.username ?? '',
      verb,
      group: objectRef?.apiGroup ?? '',
      resource: [objectRef?.resource, objectRef?.subresource].filter((part) => part !== undefined).join('/'),
      namespace: objectRef?.namespace ?? '',
      name: objectRef?.name ?? '',
      status: responseStatus?.code ?? 0,
      message: responseStatus?.message ?? '',
    }));
}
