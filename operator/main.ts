import { randomBytes } from 'node:crypto';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { KubeConfig } from '@kubernetes/client-node';
import { pino } from 'pino';
import { Registry, collectDefaultMetrics } from 'prom-client';
import { KubeClient } from '../kube/client.ts';
import { startHealthServer } from '../kube/health-server.ts';
import { HttpTransport } from '../kube/http-transport.ts';
import { LeaderElector } from '../kube/leader-elector.ts';
import { logDestination } from '../kube/log-destination.ts';
import { KubeMetrics } from '../kube/metrics.ts';
import { ALL_NAMESPACES, connectionsFor } from '../kube/watched-namespaces.ts';
import { leaveHome } from './cleanup/leave-home.ts';
import { leaveWatched } from './cleanup/leave-watched.ts';
import { readConfig } from './config.ts';
import { OperatorMetrics } from './operator-metrics.ts';
import { Operator } from './operator.ts';
import { defaultSettings } from './settings.ts';
import { keepHeapSmall } from './small-heap.ts';

keepHeapSmall();
const config = readConfig(process.argv);
const logger = pino({ level: config.logLevel, base: { program: 'operator' } }, logDestination({ fd: 1 }));
const kubeConfig = new KubeConfig();
if (config.kubeconfig === undefined) kubeConfig.loadFromDefault();
else kubeConfig.loadFromFile(config.kubeconfig);
const connections = connectionsFor(config.namespaces);
const transport = new HttpTransport(kubeConfig, { userAgent: 'tiangong-operator', connections });
const client = new KubeClient(transport);

const registry = new Registry();
collectDefaultMetrics({ register: registry });
const metrics = { kube: new KubeMetrics(registry), operator: new OperatorMetrics(registry) };
const { homeNamespace, namespaces, workers, pools } = config;
// Pods of a Deployment have names of their own; a host may run several operators, one after the other.
const identity = `${hostname()}-${randomBytes(4).toString('hex')}`;
const settings = { ...defaultSettings, homeNamespace, namespaces, workers, pools, instance: identity };
const operator = new Operator({ client, logger, settings, metrics });

const stop = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => stop.abort());
let leading = false;
// A replica that stands by is ready: it takes over at any moment.
const ready = (): boolean => !leading || operator.ready;
const health = await startHealthServer({ host: config.healthHost, port: config.healthPort, registry, ready });
logger.info({ healthPort: (health.address() as AddressInfo).port, identity }, 'the operator has started');

const leave = async (signal: AbortSignal): Promise<void> => {
  const { holdBinding } = config;
  const elsewhere = namespaces.filter((name) => name !== homeNamespace && name !== ALL_NAMESPACES);
  if (holdBinding !== undefined && elsewhere.length > 0)
    await leaveWatched(client, { namespaces: elsewhere, holdBinding }, logger, signal);
};
const lead = async (signal: AbortSignal): Promise<void> => {
  leading = true;
  await Promise.all([operator.run(signal), leave(signal)]);
};
const elector = new LeaderElector(client, {
  namespace: homeNamespace,
  name: 'tiangong-operator.leader',
  identity,
  onError: (err) => logger.warn({ err }, 'a call for the leader lease failed'),
  metrics: metrics.kube,
});
await (config.leaderElect ? elector.run(lead, stop.signal) : lead(stop.signal));
if (stop.signal.aborted) await leaveHome(client, { home: homeNamespace, hostNamespace: pools?.hostNamespace }, logger);
else logger.fatal('the leader lease was lost; another operator works now');
await transport.close();
// Connections that are kept alive must not hold up the end.
process.exit(stop.signal.aborted ? 0 : 1);
