import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { KubeClient } from '../kube/client.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { logDestination } from '../kube/log-destination.ts';
import { connectionsFor } from '../kube/watched-namespaces.ts';
import { S3FileBytes } from '../store/s3/s3-file-bytes.ts';
import { SqliteStore } from '../store/sqlite/sqlite-store.ts';
import { Api } from './api.ts';
import { readConfig } from './config.ts';

const config = readConfig(process.argv.slice(2));
const logger = pino({ name: 'api', level: config.logLevel }, logDestination({ fd: 1 }));
const kubeConfig = new KubeConfig();
if (config.kubeconfig === undefined) kubeConfig.loadFromDefault();
else kubeConfig.loadFromFile(config.kubeconfig);
const transport = new HttpTransport(kubeConfig, {
  userAgent: 'tiangong-api',
  connections: connectionsFor(config.settings.namespaces),
});
const store = await SqliteStore.open({
  folder: config.dataFolder,
  maxBytes: config.storeMaxBytes,
  audit: config.audit,
  ...(config.s3 && { fileBytes: new S3FileBytes(config.s3) }),
});
const registry = new Registry();
collectDefaultMetrics({ register: registry });
const { settings } = config;
const api = new Api({ client: new KubeClient(transport), store, logger, settings, registry });

const stopped = new Promise<string>((resolve) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, resolve);
});
const { url, metricsPort } = await api.listen();
logger.info({ url, metricsPort, auth: settings.auth }, 'listening');
logger.info({ signal: await stopped }, 'stopping');
await api.close();
await transport.close();
await store.close();
