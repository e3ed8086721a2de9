import { hostname, networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { Informer } from '../kube/informer.ts';
import { isAlreadyExists, isNotFound } from '../kube/kube-error.ts';
import { agents } from '../kube/resource.ts';
import type { Agent, AgentStatus } from '../kube/types/agent.ts';

export interface RegistrationOptions {
  readonly namespace: string;
  readonly name: string;
  readonly instance: string;
  readonly version: string;
  readonly env: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taskTypes: readonly string[];
  /** Whether the agent is being stopped by now. */
  readonly isDraining: () => boolean;
  readonly logger: Logger;
}

const RETRY_MS = 2_000;
const AGAIN_MS = 5_000;

/** Registers the agent, then keeps its Agent there and has its spec heeded, until the signal aborts. */
export async function keepRegistered(
  client: KubeClient,
  options: RegistrationOptions,
  tell: { readonly onRegistered: () => void; readonly heed: (agent: Agent) => void },
  signal: AbortSignal,
): Promise<void> {
  await register(client, options, signal);
  if (signal.aborted) return;
  tell.onRegistered();
  const { namespace, name, logger } = options;
  const informer = new Informer(client, agents, {
    namespace,
    fieldSelector: `metadata.name=${name}`,
    onError: (err) => logger.warn({ err }, 'the watch of the Agent failed and will be tried again'),
  });
  informer.onChange((_key, agent) => {
    if (agent !== undefined) tell.heed(agent);
    // Deleted under an agent that is alive: it says so again, as a kubelet would.
    else void sleep(AGAIN_MS, signal).then(() => register(client, options, signal));
  });
  await informer.run(signal);
}

/**
 * Makes the agent's own Agent object say what the agent is, creating it when it is not there. The spec is people's: it
 * is never written. Tries until it succeeds or the signal aborts.
 */
export async function register(client: KubeClient, options: RegistrationOptions, signal: AbortSignal): Promise<void> {
  const startTime = new Date().toISOString();
  while (!signal.aborted) {
    try {
      await tryRegister(client, options, startTime);
      return;
    } catch (err) {
      options.logger.warn({ err }, 'cannot register yet');
      await sleep(RETRY_MS, signal);
    }
  }
}

async function tryRegister(client: KubeClient, options: RegistrationOptions, startTime: string): Promise<void> {
  const { namespace, name, labels } = options;
  const metadata = { labels };
  try {
    // Without labels of its own the patch changes nothing, but shows whether the object is there.
    await client.patch(agents, namespace, name, { metadata });
  } catch (err) {
    if (!isNotFound(err)) throw err;
    await client.create(agents, namespace, { metadata: { name, ...metadata }, spec: {} }).catch((failure: unknown) => {
      if (!isAlreadyExists(failure)) throw failure;
    });
  }
  const address = firstAddress();
  const status: AgentStatus = {
    instance: options.instance,
    hostname: hostname().slice(0, 253),
    version: options.version,
    os: `${process.platform}/${process.arch}`,
    taskTypes: [...options.taskTypes],
    startTime,
    // What a process before this one said of itself does not hold.
    draining: options.isDraining(),
    ...(address === undefined ? {} : { ip: address }),
    ...(options.env === undefined ? {} : { env: options.env }),
  };
  await client.patch(agents, namespace, name, { status }, { subresource: 'status' });
}

/** The host's first address that others may reach, IPv4 before IPv6. */
function firstAddress(): string | undefined {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => list ?? []);
  const outer = addresses.filter(({ internal, address }) => !internal && !address.startsWith('fe80:'));
  return (outer.find(({ family }) => family === 'IPv4') ?? outer[0])?.address;
}
