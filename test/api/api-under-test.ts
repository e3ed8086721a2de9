import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { Api } from '../../api/api.ts';
import { defaultSettings } from '../../api/settings.ts';
import type { ApiSettings } from '../../api/settings.ts';
import type { KubeClient, MergePatch } from '../../kube/client.ts';
import { agents, deployTasks } from '../../kube/resource.ts';
import { endConditions } from '../../kube/task-state.ts';
import type { EndState } from '../../kube/task-state.ts';
import type { Agent } from '../../kube/types/agent.ts';
import type { DeployTask, DeployTaskStatus } from '../../kube/types/deploytask.ts';
import { SqliteStore } from '../../store/sqlite/sqlite-store.ts';
import type { SharedCluster } from '../kubernetes/shared.ts';

export interface Answer<T = Record<string, unknown>> {
  readonly status: number;
  readonly headers: Headers;
  readonly body: T;
}

/** A running API on a real Kubernetes API, answers checked against the contract, and what plays operator and agent. */
export class ApiUnderTest {
  readonly url: string;
  readonly api: Api;
  readonly store: SqliteStore;
  readonly client: KubeClient;
  readonly namespace: string;
  /** Everything that the API logged. */
  readonly log: readonly string[];
  readonly #folder: string;

  private constructor(
    parts: Pick<ApiUnderTest, 'url' | 'api' | 'store' | 'client' | 'namespace' | 'log'> & { folder: string },
  ) {
    this.url = parts.url;
    this.api = parts.api;
    this.store = parts.store;
    this.client = parts.client;
    this.namespace = parts.namespace;
    this.log = parts.log;
    this.#folder = parts.folder;
  }

  static async start(
    cluster: SharedCluster,
    settings: Partial<ApiSettings> = {},
    storeMaxBytes = 64 * 1024 * 1024,
  ): Promise<ApiUnderTest> {
    const folder = await mkdtemp(join(tmpdir(), 'tiangong-api-'));
    const store = await SqliteStore.open({ folder, maxBytes: storeMaxBytes });
    const log: string[] = [];
    const logger = pino({ level: 'debug' }, { write: (line) => void log.push(line) });
    const { client, namespace } = cluster;
    const all = { ...defaultSettings, port: 0, homeNamespace: namespace, ...settings };
    const api = new Api({ client, store, logger, settings: all, validateResponses: true });
    const { url } = await api.listen();
    return new ApiUnderTest({ url, api, store, client, namespace, log, folder });
  }

  async stop(): Promise<void> {
    await this.api.close();
    await this.store.close();
    await rm(this.#folder, { recursive: true });
  }

  async call<T = Record<string, unknown>>(
    method: string,
    path: string,
    body?: unknown,
    headers: Record<string, string> = {},
  ): Promise<Answer<T>> {
    const response = await fetch(this.url + path, {
      method,
      headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await response.text();
    return { status: response.status, headers: response.headers, body: (text === '' ? null : JSON.parse(text)) as T };
  }

  /** Registers an agent that is online, as agent and operator do. */
  async addAgent(name: string, status: Agent['status'] = {}): Promise<void> {
    await this.client.create(agents, this.namespace, { metadata: { name }, spec: {} });
    await this.setOnline(name, true, status);
  }

  async setOnline(name: string, online: boolean, status: Agent['status'] = {}): Promise<void> {
    const condition = {
      type: 'Online',
      status: online ? 'True' : 'False',
      reason: online ? 'LeaseRenewed' : 'LeaseExpired',
      message: 'set by a test',
      lastTransitionTime: new Date().toISOString(),
    };
    const patch = { status: { taskTypes: ['shell', 'api'], ...status, conditions: [condition] } };
    await this.client.patch(agents, this.namespace, name, patch, { subresource: 'status' });
  }

  task(name: string): Promise<DeployTask> {
    return this.client.get(deployTasks, this.namespace, name);
  }

  patchStatus(name: string, status: MergePatch): Promise<DeployTask> {
    return this.client.patch(deployTasks, this.namespace, name, { status }, { subresource: 'status' });
  }

  /** Plays operator and agent up to the start of the work. */
  async run(name: string, agent: string, epoch = 1): Promise<DeployTask> {
    const assignment = { agent, instance: 'test', epoch, time: new Date().toISOString() };
    await this.patchStatus(name, { state: 'Assigned', observedGeneration: 1, assignment });
    return this.patchStatus(name, { state: 'Running', startTime: new Date().toISOString() });
  }

  /** Plays the agent at the end of the work. */
  async finish(name: string, state: EndState, status: Partial<DeployTaskStatus> = {}): Promise<DeployTask> {
    const reason = {
      Succeeded: 'Completed',
      Failed: 'CommandFailed',
      Canceled: 'CanceledByUser',
      Unknown: 'AgentLost',
    }[state];
    const now = new Date();
    const conditions = endConditions([], state, reason, status.error ?? 'set by a test', 1, now);
    const end = { state, completionTime: now.toISOString(), conditions, ...status };
    return this.patchStatus(name, end);
  }
}
