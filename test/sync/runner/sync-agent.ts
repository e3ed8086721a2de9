import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import type { KubeClient } from '../../../kube/client.ts';
import { Heartbeat } from '../../../agent/heartbeat.ts';
import type { HeartbeatTimes } from '../../../agent/heartbeat.ts';
import { register } from '../../../agent/registration.ts';
import { sayDraining } from '../../../agent/say-draining.ts';
import { SharedSources } from '../../../agent/sync/bus/shared-sources.ts';
import { pusherDrivers } from '../../../agent/sync/pushers/registry.ts';
import { SyncRunner } from '../../../agent/sync/runner/sync-runner.ts';
import type { SyncTimes } from '../../../agent/sync/runner/sync-tools.ts';
import type { KeyLogDriver } from './key-log.ts';

export interface SyncAgentOptions {
  readonly client: KubeClient;
  readonly namespace: string;
  readonly name: string;
  readonly driver: KeyLogDriver;
  readonly credentials?: Readonly<Record<string, Readonly<Record<string, string>>>>;
  readonly heartbeat?: Partial<HeartbeatTimes>;
  readonly times?: Partial<SyncTimes>;
}

/** The part of an agent that runs syncs: a Lease, an Agent object and a runner, with a source in memory. */
export class SyncAgent {
  readonly instance = randomBytes(10).toString('hex');
  readonly runner: SyncRunner;
  readonly #options: SyncAgentOptions;
  readonly #heartbeat: Heartbeat;
  readonly #beating = new AbortController();
  readonly #stateFolder = mkdtempSync(join(tmpdir(), 'tiangong-sync-agent-'));
  readonly #beat: Promise<unknown>;

  static async start(options: SyncAgentOptions): Promise<SyncAgent> {
    const { client, namespace, name } = options;
    const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
    const instance = randomBytes(10).toString('hex');
    const heartbeat = new Heartbeat(client, {
      ...{ namespace, name, instance, logger },
      ...(options.heartbeat && { times: options.heartbeat }),
    });
    await heartbeat.acquire(false, AbortSignal.timeout(60_000));
    const own = {
      namespace,
      name,
      instance,
      version: '0',
      env: undefined,
      labels: {},
      taskTypes: ['sync-action'],
      isDraining: () => false,
      logger,
    };
    await register(client, own, AbortSignal.timeout(60_000));
    return new SyncAgent(options, heartbeat, instance);
  }

  private constructor(options: SyncAgentOptions, heartbeat: Heartbeat, instance: string) {
    const { client, name, driver, credentials = {} } = options;
    const logger = pino({ level: process.env['LOG_LEVEL'] ?? 'silent' });
    this.#options = options;
    this.instance = instance;
    this.#heartbeat = heartbeat;
    this.#beat = heartbeat.run(this.#beating.signal);
    this.runner = new SyncRunner({
      ...{ client, agent: name, instance, heartbeat, logger, pusherDrivers },
      credential: (_sync, ref) => Promise.resolve({ data: credentials[ref] ?? {}, allowedHosts: undefined }),
      sources: new SharedSources(logger),
      sourceDrivers: new Map([[driver.name, driver]]),
      stateFolder: this.#stateFolder,
      mayRead: () => Promise.resolve(true),
      ...(options.times && { times: options.times }),
    });
    this.runner.serve([options.namespace]);
  }

  /** As on SIGTERM, while tasks still run. */
  async drain(): Promise<void> {
    const { client, namespace, name } = this.#options;
    const options = { namespace, name, instance: this.instance, logger: pino({ level: 'silent' }) };
    await sayDraining(client, options, AbortSignal.timeout(60_000));
    this.runner.drain();
  }

  /** In good order, as on SIGTERM. */
  async stop(): Promise<void> {
    await this.runner.close();
    this.#beating.abort();
    await this.#beat;
    await this.#heartbeat.release();
    rmSync(this.#stateFolder, { recursive: true, force: true });
  }
}
