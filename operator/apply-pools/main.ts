import { readFileSync } from 'node:fs';
import { KubeConfig } from '@kubernetes/client-node';
import { load } from 'js-yaml';
import { pino } from 'pino';
import { KubeClient } from '../../kube/client.ts';
import { HttpTransport } from '../../kube/http-transport.ts';
import { logDestination } from '../../kube/log-destination.ts';
import { applyPools } from './apply-pools.ts';
import type { WantedPool } from './apply-pools.ts';
import { readConfig } from './config.ts';

const config = readConfig(process.argv);
const logger = pino({ base: { program: 'apply-pools' } }, logDestination({ fd: 1 }));
const kubeConfig = new KubeConfig();
if (config.kubeconfig === undefined) kubeConfig.loadFromDefault();
else kubeConfig.loadFromFile(config.kubeconfig);
const transport = new HttpTransport(kubeConfig, { userAgent: 'tiangong-apply-pools' });
try {
  const wanted = load(readFileSync(config.poolsFile, 'utf8')) as readonly WantedPool[];
  const { homeNamespace, release, timeoutMs } = config;
  await applyPools(wanted, { client: new KubeClient(transport), homeNamespace, release, timeoutMs, logger });
} catch (err) {
  logger.fatal({ err }, err instanceof Error ? err.message : String(err));
  process.exitCode = 1;
}
await transport.close();
