import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { Command } from 'commander';
import { pino } from 'pino';
import packageJson from '../package.json' with { type: 'json' };
import { KubeClient } from '../kube/client.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { logDestination } from '../kube/log-destination.ts';
import { Agent } from './agent.ts';
import { bearerToken } from './bearer-token.ts';
import { loadConfig } from './config.ts';
import type { AgentFlags } from './config.ts';
import { keepHeapSmall } from './small-heap.ts';

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
  .option('--wait', 'wait while another agent of this name is running');

const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'info' }, logDestination({ fd: 1 }));
try {
  const config = loadConfig(command.parse().opts<AgentFlags>(), process.env);
  const kubeConfig = new KubeConfig();
  if (config.kubeconfig === undefined) kubeConfig.loadFromDefault();
  else kubeConfig.loadFromFile(config.kubeconfig);
  const transport = new HttpTransport(kubeConfig, { userAgent: `tiangong-agent/${packageJson.version}` });
  const { apiUrl, apiCaFile, spoolBytes, env, drainSeconds, ...rest } = config;
  const ca = apiCaFile === undefined ? {} : { ca: readFileSync(apiCaFile, 'utf8') };
  const agent = new Agent({
    ...rest,
    ...(apiUrl === undefined ? {} : { api: { url: apiUrl, token: () => bearerToken(kubeConfig), ...ca } }),
    ...(spoolBytes === undefined ? {} : { spoolLimit: spoolBytes }),
    ...(env === undefined ? {} : { env }),
    drainMs: drainSeconds * 1000,
    version: packageJson.version,
    client: new KubeClient(transport),
    logger,
  });
  const stop = new AbortController();
  const hurry = new AbortController();
  // The second signal stops the running tasks as well.
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.on(signal, () => (stop.signal.aborted ? hurry : stop).abort());
  await agent.run(stop.signal, hurry.signal);
  await transport.close();
} catch (err) {
  logger.fatal({ err }, err instanceof Error ? err.message : String(err));
  process.exitCode = 1;
}
