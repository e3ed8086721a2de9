import { randomBytes } from 'node:crypto';
import { expect } from 'vitest';
import type { Service } from '../../../../../test/services/service.ts';
import type { SourceWorld } from '../../../conformance/source-under-test.ts';
import type { SourceConfig } from '../../../source.ts';
import type { Row } from '../../../sync-event.ts';
import { elasticsearchDriver } from '../index.ts';

/** An index of a test's own. */
export class ElasticsearchWorld implements SourceWorld {
  readonly driver = elasticsearchDriver;
  readonly index = `sync-${randomBytes(6).toString('hex')}`;
  readonly config: SourceConfig;
  readonly coalesces = true;
  readonly indexesRepeat = false;
  readonly refused: SourceConfig;
  readonly unreachable: SourceConfig;
  readonly actionInput: NonNullable<SourceWorld['actionInput']>;
  readonly #server: Service;
  #timestamp = Date.now();

  static async create(server: Service): Promise<ElasticsearchWorld> {
    const world = new ElasticsearchWorld(server);
    const properties = { '@timestamp': { type: 'date' }, user: { properties: { name: { type: 'keyword' } } } };
    const body = { settings: { number_of_replicas: 0, number_of_shards: 2 }, mappings: { properties } };
    expect(await world.ask('PUT', `/${world.index}`, body)).toMatchObject({ acknowledged: true });
    return world;
  }

  private constructor(server: Service) {
    this.#server = server;
    const { host, port, user, password } = server;
    const login = (passwd: string): SourceConfig['credential'] => ({ data: { user, passwd }, allowedHosts: undefined });
    this.config = {
      id: 'logs',
      driver: 'elasticsearch',
      uri: `http://${host}:${port}`,
      credential: login(password),
      driverParams: { index_name: this.index, timestamp_field: '@timestamp', polling_interval_sec: 0.02 },
      maxQueueSize: 1000,
      maxRetries: 1,
      retryDelayMs: 10,
    };
    this.refused = { ...this.config, credential: login('wrong-password') };
    this.unreachable = { ...this.config, uri: `http://${host}:1` };
    const { uri, credential, driverParams } = this.config;
    this.actionInput = { uri, credential, driverParams, adminCreds: undefined };
  }

  /** Each write has a later timestamp than those before. */
  async put(key: number, version: number): Promise<void> {
    this.#timestamp = Math.max(this.#timestamp + 1, Date.now());
    await this.write(String(key), { '@timestamp': this.#timestamp, key, version });
  }

  async write(id: string, document: Readonly<Record<string, unknown>>): Promise<void> {
    const answer = await this.ask('PUT', `/${this.index}/_doc/${id}?refresh=true`, document);
    expect(answer).toHaveProperty('_seq_no');
  }

  keyOf(row: Row): number {
    return Number(row['key']);
  }

  versionOf(row: Row): number {
    return Number(row['version']);
  }

  async ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { host, port, user, password } = this.#server;
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`,
        'content-type': typeof body === 'string' ? 'application/x-ndjson' : 'application/json',
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  async close(): Promise<void> {
    await this.ask('DELETE', `/${this.index}`);
  }
}
