import { appendFileSync, existsSync } from 'node:fs';
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
const servicesRoot = (): string => process.env['SERVICES_ROOT'] ?? join(homedir(), '.cache', 'tiangong', 'services');

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
  const path = caFile === undefined ? undefined : join(servicesRoot(), caFile);
  // Not there when the server is that of compose.yaml.
  return { host: HOST, ...rest, ...(path !== undefined && existsSync(path) && { caFile: path }) };
}

/** A server of one test alone, which may stop it in the middle. */
export interface OwnService extends Service {
  /** Ends it and keeps its data. */
  stop(): Promise<void>;
  start(): Promise<void>;
  /** Ends it, if it runs, and deletes its data. */
  remove(): Promise<void>;
}

/**
 * Another server of the kind on a port of its own, which must be free (and the ports beside it). The options are added to
 * its command line, without blanks and only of mysql and mariadb: `--skip-log-bin`.
 */
export async function ownService(
  name: ServiceName,
  port: number,
  options: readonly string[] = [],
): Promise<OwnService> {
  const { caFile: _shared, ...rest } = SERVICES[name];
  // Noted first: a test that dies in the middle leaves it to globalSetup.
  appendFileSync(inject('services').startedFile, `${name} ${port} remove\n`);
  await runScript(name, 'start', port, options);
  const run = async (verb: 'start' | 'stop' | 'remove'): Promise<void> => {
    await runScript(name, verb, port, options);
  };
  const ports = Object.entries(rest.ports).map(([beside, usual]) => [beside, port + usual - rest.port]);
  return {
    ...{ host: HOST, ...rest, port, ports: Object.fromEntries(ports) },
    start: () => run('start'),
    stop: () => run('stop'),
    remove: () => run('remove'),
  };
}

async function startService(name: ServiceName, port: number): Promise<void> {
  const run = inject('services');
  if (!run.available.includes(name)) throw new Error(`${name} cannot be had here: guard the test with hasServices()`);
  if (await isOpen(port)) return;
  // What ran before stays; what this run started, globalSetup stops in the end.
  const said = await runScript(name, 'start', port);
  if (said.startsWith('started')) appendFileSync(run.startedFile, `${name} ${port} stop\n`);
}
