import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from '../kubernetes/free-port.ts';
import { Program } from './program.ts';
import { RestClient } from './rest-client.ts';
import { until } from './until.ts';

/** Operator, API and one agent, as separate processes on a real Kubernetes API, in one namespace. */
export interface Programs {
  readonly operator: Program;
  readonly api: Program;
  readonly agent: Program;
  readonly rest: RestClient;
  /** A folder for the test's own files; it is removed in the end. */
  readonly folder: string;
  readonly agentName: string;
  stop(): Promise<void>;
}

/** Where programs are started: `SharedCluster`, or a `Cluster` with a namespace. */
export interface Place {
  readonly namespace: string;
  /** The path of a kubeconfig for the user. */
  kubeconfig(user: string): string;
}

/** Three programs that start at once on a machine that is busy. */
const READY_DEADLINE_MS = 90_000;

export interface ProgramsOptions {
  /** One that the place has a token for; `agent-1` unless set. */
  readonly agentName?: string;
  /** What stands in the agent's configuration file, which no other setting of the tests is in. */
  readonly agentConfig?: Readonly<Record<string, unknown>>;
  /** Variables that the agent has beside those of this process. */
  readonly agentEnv?: Readonly<Record<string, string>>;
  /** Whose token `rest` shows; none unless set. */
  readonly restToken?: string;
  /** Variables that operator and API have beside those of this process. */
  readonly env?: Readonly<Record<string, string>>;
  /** For node itself, such as --cpu-prof. */
  readonly nodeArgs?: readonly string[];
}

export async function startPrograms(cluster: Place, options: ProgramsOptions = {}): Promise<Programs> {
  const { agentName = 'agent-1', nodeArgs = [], agentConfig, agentEnv = {}, env = {}, restToken } = options;
  const folder = await mkdtemp(join(tmpdir(), 'tiangong-programs-'));
  const configFile = join(folder, 'agent.json');
  if (agentConfig !== undefined) await writeFile(configFile, JSON.stringify(agentConfig));
  await Promise.all(['data', 'agent'].map((name) => mkdir(join(folder, name))));
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const { namespace } = cluster;
  const operator = new Program({
    name: 'operator',
    folder,
    nodeArgs,
    env,
    args: ['--kubeconfig', cluster.kubeconfig('operator'), '--home-namespace', namespace, '--health-port', '0'],
  });
  const api = new Program({
    name: 'api',
    folder,
    nodeArgs,
    env,
    args: [
      ...['--kubeconfig', cluster.kubeconfig('api'), '--home-namespace', namespace],
      ...['--port', String(port), '--data', join(folder, 'data')],
    ],
  });
  const agent = new Program({
    name: 'agent',
    folder,
    nodeArgs,
    env: agentEnv,
    args: [
      ...(agentConfig === undefined ? [] : ['--config', configFile]),
      ...['--kubeconfig', cluster.kubeconfig(`agent/${agentName}`), '--home-namespace', namespace, '--name', agentName],
      ...['--api-url', url, '--state-dir', join(folder, 'agent'), '--drain-seconds', '0', '--wait'],
    ],
  });
  const rest = new RestClient(url, restToken);
  const all = [operator, api, agent];
  for (const program of all) program.start();
  try {
    const isOnline = async (): Promise<boolean> =>
      (await rest.tryGet(`/agents/${agentName}/status`))?.['status'] === 'online';
    await until(isOnline, READY_DEADLINE_MS, `agent ${agentName} to be online`);
  } catch (err) {
    for (const program of all) await program.kill();
    const logs = all.map((program) => program.log.slice(-2000)).join('\n---\n');
    throw new Error(`the programs did not become ready:\n${logs}`, { cause: err });
  }
  return {
    ...{ operator, api, agent, rest, folder, agentName },
    stop: async () => {
      await agent.stop();
      await Promise.all([operator.stop(), api.stop()]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
