import { CHART, mustHelm, withValues } from '../chart/helm.ts';
import type { ChartValues } from '../chart/helm.ts';
import type { HelmVersion } from '../chart/helm-binaries.ts';
import type { E2eCluster } from './e2e-cluster.ts';
import { RestApi } from './rest-api.ts';
import type { Transcript } from './transcript.ts';

const NAME = 'tiangong';
export const NAMESPACE = 'tiangong';
/** Of the namespaces that the suite makes; each test file leaves none behind. */
export const HOST_NAMESPACE = 'tiangong-host';
const NODE_PORT = 30_080;
/** Long enough for pods to come up on a machine of two cores. */
const WAIT = '300s';

/** The chart, installed by a real helm in the namespace `tiangong`, which admits restricted pods only. */
export class Release {
  readonly #cluster: E2eCluster;
  readonly #transcript: Transcript;
  readonly helm: HelmVersion;

  constructor(cluster: E2eCluster, transcript: Transcript, helm: HelmVersion) {
    this.#cluster = cluster;
    this.#transcript = transcript;
    this.helm = helm;
  }

  /** Makes the namespace with a claim `effects`, a volume that all agents may share, and returns its folder on this machine. */
  async prepare(): Promise<string> {
    await this.#cluster.run('volumes');
    await this.#cluster.apply(
      {
        apiVersion: 'v1',
        kind: 'Namespace',
        metadata: { name: NAMESPACE, labels: { 'pod-security.kubernetes.io/enforce': 'restricted' } },
      },
      {
        apiVersion: 'v1',
        kind: 'PersistentVolumeClaim',
        metadata: { name: 'effects', namespace: NAMESPACE },
        spec: { accessModes: ['ReadWriteMany'], resources: { requests: { storage: '1Gi' } } },
      },
      { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'e2e', namespace: NAMESPACE } },
      {
        apiVersion: 'rbac.authorization.k8s.io/v1',
        kind: 'RoleBinding',
        metadata: { name: 'e2e-admin', namespace: NAMESPACE },
        roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'admin' },
        subjects: [{ kind: 'ServiceAccount', name: 'e2e', namespace: NAMESPACE }],
      },
    );
    await this.#cluster.kubectl(
      ...[
        'wait',
        'pvc/effects',
        '--namespace',
        NAMESPACE,
        '--for',
        'jsonpath={.status.phase}=Bound',
        '--timeout',
        WAIT,
      ],
    );
    const claim = await this.#cluster.read<{ spec: { volumeName: string } }>(
      ...['get', 'pvc', 'effects', '--namespace', NAMESPACE],
    );
    return `${this.#cluster.facts.volumes}/${claim.spec.volumeName.replace('e2e-', '')}`;
  }

  install(values: ChartValues = {}): Promise<string> {
    return this.#withHelm(['install'], values);
  }

  upgrade(values: ChartValues = {}): Promise<string> {
    return this.#withHelm(['upgrade'], values);
  }

  async test(): Promise<string> {
    return this.#helm(['test', NAME, '--namespace', NAMESPACE, '--timeout', WAIT]);
  }

  async uninstall(): Promise<string> {
    return this.#helm(['uninstall', NAME, '--namespace', NAMESPACE, '--wait', '--timeout', WAIT]);
  }

  /** The release's REST API, called as the ServiceAccount `e2e`, which has the role admin in the namespace. */
  async rest(): Promise<RestApi> {
    const cluster = this.#cluster;
    const token = await cluster.kubectl('create', 'token', 'e2e', '--namespace', NAMESPACE, '--duration', '4h');
    const ca = await cluster.read<{ data: Record<string, string> }>(
      ...['get', 'configmap', `${NAME}-api-ca`, '--namespace', NAMESPACE],
    );
    const nodes = await cluster.read<{ items: { status: { addresses: { type: string; address: string }[] } }[] }>(
      ...['get', 'nodes'],
    );
    const addresses = nodes.items[0]?.status.addresses ?? [];
    const node = addresses.find(({ type, address }) => type === 'InternalIP' && !address.includes(':'))?.address;
    return new RestApi({
      address: `${node ?? ''}:${NODE_PORT}`,
      serverName: `${NAME}-api.${NAMESPACE}.svc`,
      ca: ca.data['ca.crt'] ?? '',
      token: token.trim(),
    });
  }

  /** Deletes what `prepare` made and waits until the namespaces are gone. */
  async remove(): Promise<void> {
    const gone = ['namespace', NAMESPACE, HOST_NAMESPACE, '--ignore-not-found', '--timeout', WAIT];
    await this.#cluster.kubectl('delete', ...gone);
  }

  #withHelm(verb: string[], values: ChartValues): Promise<string> {
    const basic: ChartValues = {
      image: { repository: 'localhost', tag: this.#cluster.facts.tags[0], pullPolicy: 'Never' },
      api: { service: { type: 'NodePort', nodePort: NODE_PORT } },
    };
    return withValues(merged(basic, values), (file) =>
      this.#helm([
        ...[...verb, NAME, CHART, '--namespace', NAMESPACE, '--values', file],
        ...['--wait', '--timeout', WAIT],
      ]),
    );
  }

  async #helm(args: string[]): Promise<string> {
    const { stdout } = await mustHelm(this.helm, args, this.#cluster.facts.kubeconfig).catch(async (err: unknown) => {
      throw new Error(`${String(err)}\n${await this.#cluster.diagnosis()}`, { cause: err });
    });
    const shown = args.map((arg) =>
      arg === CHART ? 'charts/tiangong' : arg.endsWith('values.json') ? 'values.json' : arg,
    );
    // The notes of the chart are long, and the same each time.
    this.#transcript.command([`helm${this.helm}`, ...shown], stdout.replace(/^NOTES:[^]*/m, ''));
    return stdout;
  }
}

/** `over` laid over `base`, map by map, as helm does with two files of values. */
function merged(base: ChartValues, over: ChartValues): ChartValues {
  const both: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const below = both[key];
    both[key] = isMap(below) && isMap(value) ? merged(below, value) : value;
  }
  return both;
}

const isMap = (value: unknown): value is ChartValues =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
