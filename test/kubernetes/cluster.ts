import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { openSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { load } from 'js-yaml';
import { KubeClient } from '../../kube/client.ts';
import { binary } from './binaries.ts';
import { connect, writeKubeconfig } from './connection.ts';
import { freePort } from './free-port.ts';

export interface ClusterOptions {
  /** More arguments for kube-apiserver, such as an audit policy. */
  readonly apiServerArgs?: readonly string[];
  /** Names of agents that get a token beside `local` and `agent-1` to `agent-20`. */
  readonly agents?: readonly string[];
  /** Whether the CRDs of crds/ are applied; they are unless set to false. */
  readonly crds?: boolean;
  /** Whether a kube-controller-manager runs too: garbage collection, namespace deletion. Off unless set; a list names more controllers. */
  readonly controllerManager?: boolean | readonly string[];
}

/** What a test needs to reach the cluster; it can cross a process boundary as JSON. */
export interface ClusterAddress {
  readonly url: string;
  /** The cluster's folder: its CA certificate, logs and the kubeconfigs made for tests. */
  readonly folder: string;
  /** User name in the harness (`admin`, `api`, `operator`, `agent/<name>`) to bearer token. */
  readonly tokens: Readonly<Record<string, string>>;
}

/** A real kube-apiserver with its etcd, started for tests, on loopback ports of its own. */
export interface Cluster extends ClusterAddress {
  client(user?: string): KubeClient;
  /** Writes a kubeconfig for the user and returns its path. */
  kubeconfig(user?: string): string;
  /** Kills the API server alone; `resume` starts it again on the same port with the same data. */
  pause(): Promise<void>;
  resume(): Promise<void>;
  /** Kills the processes and removes the folder. */
  stop(): Promise<void>;
}

const READY_DEADLINE_MS = 60_000;

export async function startCluster(options: ClusterOptions = {}): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-cluster-'));
  const [apiPort, etcdPort, peerPort] = await Promise.all([freePort(), freePort(), freePort()]);
  const url = `https://127.0.0.1:${apiPort}`;
  const tokens = await writeTokens(folder, options.agents ?? []);
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
  await mkdir(join(folder, 'kubeconfigs'));

  const etcdUrl = `http://127.0.0.1:${etcdPort}`;
  const etcd = start(folder, 'etcd', [
    ...['--data-dir', join(folder, 'etcd'), '--log-level', 'error'],
    ...['--listen-client-urls', etcdUrl, '--advertise-client-urls', etcdUrl],
    ...['--listen-peer-urls', `http://127.0.0.1:${peerPort}`],
  ]);
  const startApiServer = (): ChildProcess =>
    start(folder, 'kube-apiserver', [
      ...['--etcd-servers', etcdUrl, '--bind-address', '127.0.0.1', '--secure-port', String(apiPort)],
      ...['--cert-dir', join(folder, 'certs'), '--service-cluster-ip-range', '10.0.0.0/24'],
      ...[
        '--service-account-key-file',
        join(folder, 'sa.key'),
        '--service-account-signing-key-file',
        join(folder, 'sa.key'),
      ],
      ...[
        '--service-account-issuer',
        'https://kubernetes.default.svc',
        '--disable-admission-plugins',
        'ServiceAccount',
      ],
      ...['--token-auth-file', join(folder, 'tokens.csv'), '--authorization-mode', 'RBAC'],
      ...(options.apiServerArgs ?? []),
    ]);
  let apiServer = startApiServer();
  const address: ClusterAddress = { url, folder, tokens };
  let controllerManager: ChildProcess | undefined;
  try {
    await waitReady(address, apiServer);
    const admin = new KubeClient(connect(address, 'admin'));
    await bindTestUsers(admin);
    if (options.crds !== false) await applyCrds(admin);
    const { controllerManager: wanted = false } = options;
    if (wanted !== false) controllerManager = startControllerManager(address, wanted === true ? [] : wanted);
  } catch (err) {
    for (const child of [controllerManager, apiServer, etcd]) child?.kill('SIGKILL');
    throw err;
  }
  return {
    ...address,
    client: (user = 'admin') => new KubeClient(connect(address, user)),
    kubeconfig: (user = 'admin') => writeKubeconfig(address, user),
    pause: () => end(apiServer),
    resume: async () => {
      apiServer = startApiServer();
      await waitReady(address, apiServer);
    },
    // After SIGTERM a kube-apiserver holds its port for seconds; nothing here is worth a clean end.
    stop: async () => {
      await Promise.all([controllerManager, apiServer, etcd].map(async (child) => child && end(child)));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Starts what collects garbage and empties namespaces, and `more` controllers, on a cluster that runs; the caller kills it. */
export function startControllerManager(address: ClusterAddress, more: readonly string[] = []): ChildProcess {
  return start(address.folder, 'kube-controller-manager', [
    ...['--kubeconfig', writeKubeconfig(address, 'admin'), '--leader-elect=false', '--secure-port', '0'],
    ...['--controllers', ['garbage-collector-controller', 'namespace-controller', ...more].join(',')],
  ]);
}

function start(
  folder: string,
  name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager',
  args: string[],
): ChildProcess {
  const log = openSync(join(folder, `${name}.log`), 'a');
  const child = spawn(binary(name), args, { stdio: ['ignore', log, log] });
  // A test run that is killed must not leave servers behind.
  const kill = (): boolean => child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
  return child;
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exited = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await exited;
}

/** One static token a user. All but admin are in the group tiangong:test, so that each keeps a name of its own. */
async function writeTokens(folder: string, agents: readonly string[]): Promise<Record<string, string>> {
  const names = new Set(['local', ...Array.from({ length: 20 }, (_, i) => `agent-${i + 1}`), ...agents]);
  const users = ['admin', 'api', 'operator', ...[...names].map((name) => `agent/${name}`)];
  const tokens = Object.fromEntries(users.map((user) => [user, `token-${user.replace('/', '-')}`]));
  const lines = users.map((user) => {
    const name = `tiangong:${user.replace('/', ':')}`;
    return `${tokens[user]},${name},${name},"${user === 'admin' ? 'system:masters' : 'tiangong:test'}"`;
  });
  await writeFile(join(folder, 'tokens.csv'), `${lines.join('\n')}\n`);
  return tokens;
}

async function waitReady(address: ClusterAddress, apiServer: ChildProcess): Promise<void> {
  const transport = connect(address, 'admin');
  const deadline = performance.now() + READY_DEADLINE_MS;
  try {
    for (;;) {
      const status = await transport.send({ method: 'GET', path: '/readyz' }).then(
        async (response) => (await response.text(), response.status),
        () => 0,
      );
      if (status === 200) return;
      if (apiServer.exitCode !== null || performance.now() > deadline) {
        const log = readFileSync(join(address.folder, 'kube-apiserver.log'), 'utf8');
        throw new Error(`kube-apiserver did not become ready:\n${log.slice(-2000)}`);
      }
      await sleep(100);
    }
  } finally {
    await transport.close();
  }
}

async function bindTestUsers(admin: KubeClient): Promise<void> {
  await admin.raw({
    method: 'POST',
    path: '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings',
    body: JSON.stringify({
      apiVersion: 'rbac.authorization.k8s.io/v1',
      kind: 'ClusterRoleBinding',
      metadata: { name: 'tiangong-test' },
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
      subjects: [{ apiGroup: 'rbac.authorization.k8s.io', kind: 'Group', name: 'tiangong:test' }],
    }),
  });
}

/** Creates the CRDs of crds/ and waits until the server serves them. */
async function applyCrds(admin: KubeClient): Promise<void> {
  const crds = join(import.meta.dirname, '../../crds');
  const path = '/apis/apiextensions.k8s.io/v1/customresourcedefinitions';
  for (const file of readdirSync(crds)) {
    const crd = load(readFileSync(join(crds, file), 'utf8')) as { metadata: { name: string } };
    await admin.raw({ method: 'POST', path, body: JSON.stringify(crd) });
    const deadline = performance.now() + READY_DEADLINE_MS;
    for (;;) {
      const [plural, group] = [crd.metadata.name.split('.')[0], crd.metadata.name.split('.').slice(1).join('.')];
      const served = await admin.raw({ method: 'GET', path: `/apis/${group}/v1alpha1/${plural}?limit=1` }).then(
        () => true,
        () => false,
      );
      if (served) break;
      if (performance.now() > deadline) throw new Error(`${crd.metadata.name} is not being served`);
      await sleep(50);
    }
  }
}
