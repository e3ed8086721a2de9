import { existsSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { delimiter } from 'node:path';
import { KubeConfig } from '@kubernetes/client-node';
import { Command } from 'commander';
import { pino } from 'pino';
import { Registry, collectDefaultMetrics } from 'prom-client';
import packageJson from '../package.json' with { type: 'json' };
import { KubeClient } from '../kube/client.ts';
import { startHealthServer } from '../kube/health-server.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { logDestination } from '../kube/log-destination.ts';
import { Agent } from './agent.ts';
import { measureAgent } from './agent-metrics.ts';
import { bearerToken } from './bearer-token.ts';
import { loadConfig } from './config.ts';
import type { AgentFlags } from './config.ts';
import { keepHeapSmall } from './small-heap.ts';
import { TokenRenewal } from './token-renewal.ts';

keepHeapSmall();
const command = new Command('tiangong-agent')
  .description('Runs the tasks that are assigned to one agent')
  .version(packageJson.version)
  .option('--name <name>', "the agent's name (default: the host's)")
  .option('--home-namespace <name>', 'the home namespace, where the Agent object is (default: default)')
  .option('--kubeconfig <path>', 'the kubeconfig (default: KUBECONFIG, ~/.kube/config or the pod)')
  .option('--k8s-kubeconfig <path>', "the kubeconfig of k8s tasks (default: the agent's own)")
  .option('--api-url <url>', "the address of Tiangong's API")
  .option('--api-ca-file <path>', "the certificates that the API's is checked against")
  .option('--state-dir <path>', 'the folder of the journal and the spool (default: /var/lib/tiangong-agent)')
  .option('--config <path>', 'the configuration file')
  .option('--security-file <path>', 'patterns of allowed and blocked shell commands')
  .option('--labels <key=value,...>', 'labels of the Agent object')
  .option('--env <name>', 'the environment that the agent belongs to, such as prod')
  .option('--drain-seconds <n>', 'how long running tasks may go on when the agent is stopped (default: 20)')
  .option('--health-host <address>', 'where /healthz, /readyz and /metrics are served (default: 127.0.0.1)')
  .option('--health-port <port>', 'and on which port; 0: any free one (default: none, nothing is served)')
  .option('--wait', 'wait while another agent of this name is running');

const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info' }, logDestination({ fd: 1 }));
try {
  const config = loadConfig(command.parse().opts<AgentFlags>(), process.env);
  const kubeConfig = new KubeConfig();
  if (config.kubeconfig !== undefined) kubeConfig.loadFromFile(config.kubeconfig);
  // A task may have left a ~/.kube/config in a pod's home: it must not become the agent's.
  else if (isInPod(process.env)) kubeConfig.loadFromCluster();
  else kubeConfig.loadFromDefault();
  const transport = new HttpTransport(kubeConfig, { userAgent: `tiangong-agent/${packageJson.version}` });
  const client = new KubeClient(transport);
  const { apiUrl, apiCaFile, spoolBytes, env, drainSeconds, health, ...rest } = config;
  const ca = apiCaFile === undefined ? {} : { ca: () => readFileSync(apiCaFile, 'utf8') };
  // One that is not there at the start is a mistake.
  ca.ca?.();
  const agent = new Agent({
    ...rest,
    ...(apiUrl === undefined ? {} : { api: { url: apiUrl, token: () => bearerToken(kubeConfig), ...ca } }),
    ...(spoolBytes === undefined ? {} : { spoolLimit: spoolBytes }),
    ...(env === undefined ? {} : { env }),
    drainMs: drainSeconds * 1000,
    version: packageJson.version,
    client,
    logger,
  });
  const server = health && (await serveHealth(agent, health));
  const stop = new AbortController();
  const hurry = new AbortController();
  // The second signal stops the running tasks as well.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => (stop.signal.aborted ? hurry : stop).abort());
  const over = new AbortController();
  const path = config.kubeconfig ?? namedFile(process.env);
  const renewing =
    path !== undefined && new TokenRenewal({ path, config: kubeConfig, client, logger }).run(over.signal);
  // Until the last report is sent.
  await agent.run(stop.signal, hurry.signal).finally(() => over.abort());
  await renewing;
  await transport.close();
  server?.close();
  server?.closeAllConnections();
} catch (err) {
  logger.fatal({ err }, err instanceof Error ? err.message : String(err));
  process.exitCode = 1;
}

function isInPod({ KUBERNETES_SERVICE_HOST: server, KUBECONFIG: named }: NodeJS.ProcessEnv): boolean {
  return (
    server !== undefined && named === undefined && existsSync('/var/run/secrets/kubernetes.io/serviceaccount/token')
  );
}

/** The kubeconfig that the environment names; of several, which are read as one, there is none to renew a token in. */
function namedFile({ KUBECONFIG: named = '' }: NodeJS.ProcessEnv): string | undefined {
  return named === '' || named.includes(delimiter) ? undefined : named;
}

async function serveHealth(agent: Agent, where: { readonly host: string; readonly port: number }): Promise<Server> {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  measureAgent(registry, () => agent.state);
  const server = await startHealthServer({ ...where, registry, ready: () => agent.state.ready });
  logger.info({ healthPort: (server.address() as AddressInfo).port }, 'says how it is');
  return server;
}
