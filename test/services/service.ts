import { appendFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join } from 'node:path';
import { inject } from 'vitest';
import { HOST, SERVICES, SERVICE_NAMES, isOpen } from './known-services.ts';
import type { ServiceName } from './known-services.ts';
import { runScript } from './script.ts';

export type { ServiceName };

/** Where a server of the tests listens, and a login that may do everything. */
export interface Service {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  /** Ports beside `port`, by name: `native` of clickhouse-18. */
  readonly ports: Readonly<Record<string, number>>;
  /** The certificate of the CA that signed the server's own, which is for the name `localhost` alone. Only with TLS. */
  readonly caFile?: string;
}

/** The folder of all servers' programs and data. */
export const servicesRoot = (): string =>
  process.env['SERVICES_ROOT'] ?? join(homedir(), '.cache', 'tiangong', 'services');

/** Whether real servers can be had, all or those named; `describe.skipIf(!hasServices('postgres'))`. */
export function hasServices(...names: readonly ServiceName[]): boolean {
  const available = inject('services')?.available ?? [];
  return (names.length === 0 ? SERVICE_NAMES : names).every((name) => available.includes(name));
}

/**
 * A server of the tests, started when it is not running: the first time on a machine it is installed too, which takes
 * up to minutes. Many workers and runs share it, so a test makes its own database or index and drops it in the end.
 */
export async function service(name: ServiceName): Promise<Service> {
  const { caFile, ...rest } = SERVICES[name];
  await startService(name, rest.port);
  return { host: HOST, ...rest, ...(caFile !== undefined && { caFile: join(servicesRoot(), caFile) }) };
}

/**
 * A server that no other test uses, on a port of its own, to be stopped in the middle of a test. Its data goes when it is
 * removed; `remove` may be called whether it runs or not.
 */
export async function ownService(
  name: 'postgres',
  port: number,
): Promise<Service & { stop(): Promise<void>; remove(): Promise<void> }> {
  await runScript(name, 'start', port);
  return {
    ...{ host: HOST, ...SERVICES[name], port },
    stop: async () => void (await runScript(name, 'stop', port)),
    remove: async () => void (await runScript(name, 'remove', port)),
  };
}

async function startService(name: ServiceName, port: number): Promise<void> {
  const run = inject('services');
  if (!run.available.includes(name)) throw new Error(`${name} cannot be had here: guard the test with hasServices()`);
  if (await isOpen(port)) return;
  const said = await runScript(name, 'start', port);
  // What ran before stays; what this run started, globalSetup stops in the end.
  if (said.startsWith('started')) appendFileSync(run.startedFile, `${name} ${port} ${said.split(' ')[1] ?? ''}\n`);
}
