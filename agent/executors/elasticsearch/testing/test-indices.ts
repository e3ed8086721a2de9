import { randomBytes, randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { Service } from '../../../../test/services/service.ts';
import { execute } from '../../../conformance/executor.ts';
import type { Execution, Work } from '../../../conformance/executor.ts';
import type { TaskFile } from '../../../files/task-file.ts';
import { ElasticsearchExecutor } from '../elasticsearch-executor.ts';

export const randomIndexName = (): string => `test-${randomBytes(6).toString('hex')}`;

/** The secret that the target of a task names. */
export const credentials = (data: Record<string, string>): NonNullable<Work['credentials']> => ({
  login: { data, allowedHosts: undefined },
});

/** An index on a test's server, and all whose names begin with its name, with an executor. */
export class TestIndices {
  readonly spoolFolder = mkdtempSync(join(tmpdir(), 'tiangong-agent-test-'));
  readonly executor: ElasticsearchExecutor;
  readonly server: Service;
  readonly #index: string;

  private constructor(server: Service, index: string) {
    this.server = server;
    this.#index = index;
    this.executor = new ElasticsearchExecutor({ connections: new Map(), spoolFolder: this.spoolFolder });
  }

  static async create(server: Service, index: string): Promise<TestIndices> {
    const indices = new TestIndices(server, index);
    const settings = { number_of_replicas: 0, max_result_window: 10_000 };
    expect(await indices.ask('PUT', `/${index}`, { settings })).toMatchObject({ acknowledged: true });
    return indices;
  }

  async drop(): Promise<void> {
    // The server deletes indices by their full names only.
    for (const name of Object.keys(await this.ask('GET', `/${this.#index}*`))) await this.ask('DELETE', `/${name}`);
    await this.executor.close();
    rmSync(this.spoolFolder, { recursive: true, force: true });
  }

  /** The witness: what the server itself says. */
  async ask(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const { host, port, user, password } = this.server;
    const login = Buffer.from(`${user}:${password}`).toString('base64');
    const response = await fetch(`http://${host}:${port}${path}`, {
      method,
      headers: { authorization: `Basic ${login}`, 'content-type': 'application/json' },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    return (await response.json()) as Record<string, unknown>;
  }

  /** A name that no index has had, also not in an earlier try of the test; `drop` deletes it too. */
  unused(): string {
    return `${this.#index}-${randomBytes(4).toString('hex')}`;
  }

  async source(id: string, of = this.#index): Promise<unknown> {
    return (await this.ask('GET', `/${of}/_doc/${id}`))['_source'];
  }

  async count(of: string): Promise<unknown> {
    await this.ask('POST', `/${of}/_refresh`);
    return (await this.ask('GET', `/${of}/_count`))['count'];
  }

  target(changes: Record<string, unknown> = {}): Record<string, unknown> {
    const { host, port, user } = this.server;
    return { host, port, user, secret_ref: 'login', ...changes };
  }

  work(command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Work {
    return {
      command: typeof command === 'string' ? command : JSON.stringify(command),
      params: { target: this.target(), ...params },
      credentials: credentials({ password: this.server.password }),
      ...changes,
    };
  }

  run(command: unknown, params: Record<string, unknown> = {}, changes: Partial<Work> = {}): Promise<Execution> {
    return execute(this.executor, this.work(command, params, changes));
  }

  /** The result of a work that must succeed. */
  async succeeded(
    command: unknown,
    params: Record<string, unknown> = {},
    changes: Partial<Work> = {},
  ): Promise<string> {
    const { outcome, result } = await this.run(command, params, changes);
    expect(outcome).toMatchObject({ state: 'Succeeded' });
    return result.toString();
  }

  /** A task's file that holds this text. */
  async file(text: string): Promise<TaskFile> {
    const path = join(this.spoolFolder, randomUUID());
    await writeFile(path, text);
    return { id: 'file-1', path, name: 'actions.ndjson', bytes: text.length, release: () => undefined };
  }
}
