import { mkdir } from 'node:fs/promises';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import { Api } from '../api/api.ts';
import { isLoopback } from '../api/loopback.ts';
import { DEFAULT_STORE_MAX_BYTES, defaultSettings as apiDefaults } from '../api/settings.ts';
import { KubeClient } from '../kube/client.ts';
import { Operator } from '../operator/operator.ts';
import { defaultSettings as operatorDefaults } from '../operator/settings.ts';
import { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { AgentProcess } from './agent-process.ts';
import { EmbeddedServer } from './apiserver/embedded-server.ts';
import { serverCertificate } from './certificate.ts';
import { loadTokens, userOf, usersByToken } from './identities.ts';
import { kubeconfig } from './kubeconfig.ts';
import { localAgentCommand } from './local-agent.ts';
import { writePrivateFile } from './private-file.ts';
import { explainListen, StartError } from './start-error.ts';
import { UserFile } from './users/user-file.ts';
import { watchUsers } from './users/watch-users.ts';
import { waitOnline } from './wait-online.ts';
import { welcome } from './welcome.ts';

export interface UpOptions {
  /** The folder of everything that is kept, as an absolute path. */
  readonly home: string;
  /** The address that both APIs listen on. */
  readonly host: string;
  /** `kubernetes`: REST takes who has a token, as the Kubernetes API does; `none`: everybody. */
  readonly auth: 'kubernetes' | 'none';
  /** Of the REST API; 0 for any free one. */
  readonly port: number;
  /** Of the embedded Kubernetes API; 0 for any free one. */
  readonly kubePort: number;
  /** How large an uploaded file may be. */
  readonly maxFileBytes: number;
  readonly logger: Logger;
  /** Writes to the person at the terminal. */
  readonly print: (text: string) => void;
}

export interface UpSignals {
  /** Ends everything in good order: running tasks get a while to finish. */
  readonly stop: AbortSignal;
  /** Ends running tasks too. */
  readonly hurry: AbortSignal;
}

const AGENT = 'local';
const NAMESPACE = 'default';

/** The API server is in this process: asking it again costs nothing, and a user who was removed is out at once. */
const TOKEN_MAX_AGE_MS = 1000;

/**
 * Runs the whole product on this machine until `stop` aborts: embedded Kubernetes API, REST API and operator in this
 * process, an agent in its own. Rejects with `StartError` when it cannot start.
 */
export async function up(options: UpOptions, { stop, hurry }: UpSignals): Promise<void> {
  const { home, host, logger, print } = options;
  await makeFolder(home);
  const tokens = await loadTokens(join(home, 'tokens.json'), ['admin', 'api', 'operator', 'tasks', `agent/${AGENT}`]);
  const pki = join(home, 'pki');
  const certificate = await serverCertificate(pki, namesOf(host));
  // Tokens go over a network by TLS alone.
  const withTls = options.auth === 'kubernetes' && !isLoopback(host);
  const caFile = join(pki, 'server.crt');
  // What was begun is ended in the opposite order, however far the start came.
  await using cleanup = new AsyncDisposableStack();

  const server = await openServer(options, usersByToken(tokens));
  cleanup.defer(() => server.close());
  const users = new UserFile(join(home, 'users.json'));
  const unwatch = watchUsers(users, {
    onChange: (people) => server.setPeople(people),
    onError: (err) => logger.error({ err }, 'the users cannot be read; those known before stay'),
  });
  cleanup.defer(unwatch);
  const kube = await server
    .listen({ host, port: options.kubePort, tls: certificate })
    .catch((err: unknown) =>
      Promise.reject(explainListen(err, 'Kubernetes API', options.kubePort, 'KUBE_PORT') as Error),
    );
  const kubeUrl = `https://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : bracketed(host)}:${kube.port}`;
  const configOf = (role: 'admin' | 'tasks' | `agent/${string}`): string =>
    kubeconfig({
      server: kubeUrl,
      certificate: certificate.cert,
      user: role.replace('/', '-'),
      token: tokens[role] ?? '',
      namespace: NAMESPACE,
    });
  await writePrivateFile(join(home, 'kubeconfig'), configOf('admin'));

  const store = await SqliteStore.open({ folder: join(home, 'store'), maxBytes: DEFAULT_STORE_MAX_BYTES });
  cleanup.defer(() => store.close());
  const api = new Api({
    client: new KubeClient(server.transport(userOf('api'))),
    store,
    logger: logger.child({ program: 'api' }),
    settings: {
      ...apiDefaults,
      ...{ host, port: options.port, homeNamespace: NAMESPACE, maxFileBytes: options.maxFileBytes },
      ...{ auth: options.auth, tokenMaxAgeMs: TOKEN_MAX_AGE_MS },
      ...(withTls && { tls: { certFile: caFile, keyFile: join(pki, 'server.key') } }),
    },
  });
  const rest = await api
    .listen()
    .catch((err: unknown) => Promise.reject(explainListen(err, 'REST API', options.port, 'PORT') as Error));
  cleanup.defer(() => api.close());

  const operator = new Operator({
    client: new KubeClient(server.transport(userOf('operator'))),
    logger: logger.child({ program: 'operator' }),
    settings: { ...operatorDefaults, homeNamespace: NAMESPACE, instance: 'standalone' },
  });
  const operatorStop = new AbortController();
  const operating = operator.run(operatorStop.signal);
  cleanup.defer(() => (operatorStop.abort(), operating));

  const folder = join(home, 'agents', AGENT);
  await makeFolder(folder);
  await writePrivateFile(join(folder, 'kubeconfig'), configOf(`agent/${AGENT}`));
  await writePrivateFile(join(folder, 'k8s-kubeconfig'), configOf('tasks'));
  const apiUrl = `${withTls ? 'https' : 'http'}://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : bracketed(host)}:${rest.port}`;
  const agentStop = new AbortController();
  const agent = new AgentProcess({
    ...localAgentCommand({ name: AGENT, folder, home, namespace: NAMESPACE, apiUrl, ...(withTls && { caFile }) }),
    logger: logger.child({ program: 'agent' }),
  }).run(agentStop.signal, hurry);
  // Before the others: what it has to report needs them.
  cleanup.defer(() => (agentStop.abort(), agent));

  const online = await waitOnline(new KubeClient(server.transport(userOf('admin'))), NAMESPACE, AGENT, stop);
  if (!stop.aborted)
    print(
      welcome({
        ...{ apiUrl, kubeUrl, home, agent: AGENT, online, agentLog: join(folder, 'agent.log') },
        ...(options.auth === 'kubernetes' && { users: users.read().length }),
        ...(withTls && { caFile }),
      }),
    );
  await new Promise<void>((resolve) => {
    if (stop.aborted) resolve();
    else stop.addEventListener('abort', () => resolve(), { once: true });
  });
  print('\nStopping: running tasks get 10 seconds to finish. Ctrl-C again ends them at once.\n');
}

async function openServer(options: UpOptions, tokens: ReturnType<typeof usersByToken>): Promise<EmbeddedServer> {
  const crds = join(import.meta.dirname, '..', 'crds');
  const crdFiles = ['agents.yaml', 'deploytasks.yaml', 'syncsources.yaml', 'syncpushers.yaml', 'synctasks.yaml'].map(
    (file) => join(crds, file),
  );
  const logger = options.logger.child({ program: 'apiserver' });
  const dataDir = join(options.home, 'kubernetes');
  try {
    return await EmbeddedServer.open({ dataDir, tokens, crdFiles, logger });
  } catch (err) {
    throw new StartError(`${dataDir} cannot be opened: ${(err as Error).message}`, { cause: err });
  }
}

/** What the certificate is to name, beside loopback: where all addresses are listened on, those that others may use. */
function namesOf(host: string): string[] {
  if (host !== '0.0.0.0' && host !== '::') return [host];
  const addresses = Object.values(networkInterfaces()).flatMap((known) => known ?? []);
  return [
    hostname(),
    ...addresses.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  ];
}

const bracketed = (host: string): string => (host.includes(':') ? `[${host}]` : host);

async function makeFolder(folder: string): Promise<void> {
  try {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  } catch (err) {
    throw new StartError(`${folder} cannot be made: ${(err as Error).message}; choose another with TIANGONG_HOME`, {
      cause: err,
    });
  }
}
