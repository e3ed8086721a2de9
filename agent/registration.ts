import { hostname, networkInterfaces } from 'node:os';
import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import { isAlreadyExists, isNotFound } from '../kube/kube-error.ts';
import { agents } from '../kube/resource.ts';
import type { AgentStatus } from '../kube/types/agent.ts';

export interface RegistrationOptions {
  readonly namespace: string;
  readonly name: string;
  readonly instance: string;
  readonly version: string;
  readonly env: string | undefined;
  readonly labels: Readonly<Record<string, string>>;
  readonly taskTypes: readonly string[];
  readonly logger: Logger;
}

const RETRY_MS = 2_000;

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
