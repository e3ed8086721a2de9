import { randomBytes } from 'node:crypto';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { isAlreadyExists } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import { render } from '../chart/helm.ts';
import type { ChartValues, RenderOptions } from '../chart/helm.ts';
import type { Cluster } from '../kubernetes/cluster.ts';
import { until } from '../programs/until.ts';
import { mayDo } from './try-right.ts';
import { untilPoliciesHold } from './until-policies-hold.ts';

/** Kinds of the chart that decide who may do what, and where they are at the API server. */
const PLURALS: Readonly<Record<string, string>> = {
  ServiceAccount: 'serviceaccounts',
  Role: 'roles',
  RoleBinding: 'rolebindings',
  ClusterRole: 'clusterroles',
  ClusterRoleBinding: 'clusterrolebindings',
  ValidatingAdmissionPolicy: 'validatingadmissionpolicies',
  ValidatingAdmissionPolicyBinding: 'validatingadmissionpolicybindings',
  MutatingAdmissionPolicy: 'mutatingadmissionpolicies',
  MutatingAdmissionPolicyBinding: 'mutatingadmissionpolicybindings',
};

const RBAC = 'rbac.authorization.k8s.io';

/** For what takes some milliseconds on a machine that does nothing else. */
const BINDINGS_DEADLINE_MS = 30_000;

/** What helm asks a server of this version for, which it cannot while it only renders. */
export const MUTATING = 'admissionregistration.k8s.io/v1/MutatingAdmissionPolicy';

/** Of a ServiceAccount's token: the pod and the node that it is bound to. */
export interface BoundPod {
  readonly pod: string;
  readonly node: string;
}

/** The rights and the policies of the chart, in namespaces of their own on a cluster of the tests. */
export interface Release {
  readonly admin: KubeClient;
  readonly home: string;
  /** Another namespace whose tasks are looked after. */
  readonly watched: string;
  /** The namespace of agents with access to their hosts. */
  readonly host: string;
  /** A namespace that the release has nothing to do with. */
  readonly foreign: string;
  readonly objects: readonly KubeObject[];
  /** A token of a ServiceAccount, as `connect` uses it. */
  token(namespace: string, serviceAccount: string, bound?: BoundPod): Promise<string>;
  /** A connection under the name of a ServiceAccount, such as a component's; with a pod, as that pod has it. */
  connect(namespace: string, serviceAccount: string, bound?: BoundPod): Promise<HttpTransport>;
  /** A client under the name of a component: `api`, `operator`. */
  component(component: string): Promise<KubeClient>;
  /** A client under the name of an agent: a pod of a pool, or a bare host. */
  podAgent(bound: BoundPod, namespace?: string): Promise<KubeClient>;
  hostAgent(name: string): Promise<KubeClient>;
  /** A client under the name of a person, who has these roles in a namespace. */
  person(name: string, roles?: Readonly<Record<string, string>>): Promise<KubeClient>;
}

/** The user name that `person` gives. */
export const userName = (name: string): string => `system:serviceaccount:people:${name}`;

/** Applies what the chart says about rights; `home` must not be taken. */
export async function installRelease(
  cluster: Cluster,
  home: string,
  values: ChartValues = {},
  options: RenderOptions = { apiVersions: [MUTATING] },
): Promise<Release> {
  const admin = cluster.client();
  const [watched, host, foreign] = [`${home}-teams`, `${home}-host`, `${home}-foreign`];
  for (const namespace of [home, watched, host, foreign, 'people']) await make(admin, 'v1', 'namespaces', namespace);
  const all = await render(
    { scope: { namespaces: [watched] }, agents: { hostAccess: { enabled: true } }, ...values },
    { namespace: home, ...options },
  );
  const objects = all.filter(({ kind = '' }) => kind in PLURALS);
  for (const object of objects) await create(admin, object);
  const token = async (namespace: string, name: string, bound?: BoundPod): Promise<string> => {
    await make(admin, 'v1', `namespaces/${namespace}/serviceaccounts`, name);
    if (bound !== undefined) await makePod(admin, namespace, name, bound);
    return mintToken(admin, namespace, name, bound);
  };
  const connect = async (...who: Parameters<typeof token>): Promise<HttpTransport> =>
    connectWith(cluster, await token(...who));
  const client = async (...who: Parameters<typeof connect>): Promise<KubeClient> =>
    new KubeClient(await connect(...who));
  const release: Release = {
    ...{ admin, home, watched, host, foreign, objects, token, connect },
    component: (component) => client(home, `tiangong-${component}`),
    podAgent: (bound, namespace = home) => client(namespace, 'tiangong-agent', bound),
    hostAgent: (name) => client(home, `agent-${name}`),
    person: async (name, roles = {}) => {
      for (const [namespace, role] of Object.entries(roles))
        await create(admin, roleBinding(namespace, name, role)).catch(unlessPresent);
      const connection = await connect('people', name);
      if (Object.keys(roles).length > 0) await untilBindingsHold(admin, connection, name);
      return new KubeClient(connection);
    },
  };
  await untilPoliciesHold(admin, home);
  return release;
}

/**
 * Waits until the API server heeds the bindings of a person. It takes them up in the order of their creation, a moment
 * later: so another one is made, to a right on nothing, and awaited.
 */
async function untilBindingsHold(admin: KubeClient, caller: HttpTransport, name: string): Promise<void> {
  const sentinel = `${name}-${randomBytes(4).toString('hex')}`;
  const [group, resource, verb] = ['example.com', 'bindings', 'heed'];
  const metadata = { namespace: 'people', name: sentinel };
  const rules = [{ apiGroups: [group], resources: [resource], verbs: [verb], resourceNames: [sentinel] }];
  const roleRef = { apiGroup: RBAC, kind: 'Role', name: sentinel };
  const subjects = [{ kind: 'ServiceAccount', namespace: 'people', name }];
  const apiVersion = `${RBAC}/v1`;
  await create(admin, { apiVersion, kind: 'Role', metadata, rules } as KubeObject);
  await create(admin, { apiVersion, kind: 'RoleBinding', metadata, roleRef, subjects } as KubeObject);
  const attempt = { verb, group, resource, namespace: 'people', name: sentinel };
  await until(() => mayDo(caller, attempt), BINDINGS_DEADLINE_MS, `the API server to heed the bindings of ${name}`);
}

async function create(admin: KubeClient, object: KubeObject): Promise<void> {
  const { apiVersion = 'v1', kind = '', metadata } = object;
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const scope = metadata.namespace === undefined ? '' : `/namespaces/${metadata.namespace}`;
  await admin.raw({ method: 'POST', path: `${root}${scope}/${PLURALS[kind]}`, body: JSON.stringify(object) });
}

/** Makes an object of the core group that has nothing but a name, unless it is there. */
async function make(admin: KubeClient, version: string, collection: string, name: string): Promise<void> {
  const body = JSON.stringify({ metadata: { name } });
  await admin.raw({ method: 'POST', path: `/api/${version}/${collection}`, body }).catch(unlessPresent);
}

/** No kubelet runs it: it is there so that tokens can be bound to it. */
async function makePod(admin: KubeClient, namespace: string, account: string, { pod, node }: BoundPod): Promise<void> {
  await make(admin, 'v1', 'nodes', node);
  const body = {
    metadata: { name: pod },
    spec: { serviceAccountName: account, nodeName: node, containers: [{ name: 'agent', image: 'localhost/agent:1' }] },
  };
  const path = `/api/v1/namespaces/${namespace}/pods`;
  await admin.raw({ method: 'POST', path, body: JSON.stringify(body) }).catch(unlessPresent);
}

async function mintToken(admin: KubeClient, namespace: string, name: string, bound?: BoundPod): Promise<string> {
  const boundObjectRef = bound && { kind: 'Pod', apiVersion: 'v1', name: bound.pod };
  const { status } = await admin.raw<{ status: { token: string } }>({
    method: 'POST',
    path: `/api/v1/namespaces/${namespace}/serviceaccounts/${name}/token`,
    body: JSON.stringify({ spec: { expirationSeconds: 3600, ...(boundObjectRef && { boundObjectRef }) } }),
  });
  return status.token;
}

function connectWith({ url }: Cluster, token: string): HttpTransport {
  const config = new KubeConfig();
  config.loadFromClusterAndUser({ name: 'test', server: url, skipTLSVerify: true }, { name: 'test', token });
  return new HttpTransport(config);
}

const roleBinding = (namespace: string, name: string, role: string): KubeObject =>
  ({
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'RoleBinding',
    metadata: { namespace, name: `${name}-${role}` },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: role },
    subjects: [{ kind: 'ServiceAccount', namespace: 'people', name }],
  }) as KubeObject;

function unlessPresent(err: unknown): void {
  if (!isAlreadyExists(err)) throw err;
}
