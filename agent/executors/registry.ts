import type { Logger } from 'pino';
import type { TaskType } from '../../kube/task-state.ts';
import type { Connections } from '../connections/connections.ts';
import type { FileRoots } from '../files/file-roots.ts';
import { pusherDrivers } from '../sync/pushers/registry.ts';
import { sourceDrivers } from '../sync/sources/registry.ts';
import { ApiExecutor } from './api/api-executor.ts';
import type { ApiExecutorOptions } from './api/api-executor.ts';
import { ClickHouseExecutor } from './clickhouse/clickhouse-executor.ts';
import { DorisExecutor } from './doris/doris-executor.ts';
import { ElasticsearchExecutor } from './elasticsearch/elasticsearch-executor.ts';
import type { Executor } from './executor.ts';
import { FileExecutor } from './file/file-executor.ts';
import { K8sExecutor } from './k8s/k8s-executor.ts';
import { MongoExecutor } from './mongo/mongo-executor.ts';
import type { GoInceptionSettings } from './mysql/goinception/goinception-settings.ts';
import { MysqlExecutor } from './mysql/mysql-executor.ts';
import { PostgresExecutor } from './postgres/postgres-executor.ts';
import { ShellExecutor } from './shell/shell-executor.ts';
import type { ShellExecutorOptions } from './shell/shell-executor.ts';
import { SyncActionExecutor } from './sync-action/sync-action-executor.ts';

export interface ExecutorSettings {
  readonly shell: ShellExecutorOptions;
  readonly api: ApiExecutorOptions;
  /** Where Kubernetes objects are handled; the agent's own kubeconfig unless set. */
  readonly k8s: {
    readonly kubeconfig?: string;
    readonly context?: string;
    readonly namespace?: string;
    /** Whose rights tasks have that name no service account. */
    readonly serviceAccount?: { readonly namespace: string; readonly name: string };
    /** Tasks must name a service account. */
    readonly requireServiceAccount?: boolean;
  };
  readonly file: {
    /** Folders that paths of tasks must be in; anywhere unless set. */
    readonly roots?: readonly string[];
    /** How much of fetched files is kept. */
    readonly cacheBytes?: number;
  };
  /** mysql: where goInception is, when tasks go through it. */
  readonly goInception?: GoInceptionSettings;
  /** Which places on the host tasks may name. */
  readonly fileRoots: FileRoots;
  /** The named connections of the databases. */
  readonly connections: ReadonlyMap<TaskType, Connections>;
  /** The agent's work folder: rows that wait for their statement's end lie there, in files without a name. */
  readonly spoolFolder: string;
  /** Where lines about syncs go. */
  readonly syncLogger: Logger;
  /** Types that this agent does not offer. */
  readonly disabled: readonly TaskType[];
}

/** Every type of task that this version can run. */
const factories = {
  shell: (settings: ExecutorSettings): Executor => new ShellExecutor(settings.shell),
  api: (settings: ExecutorSettings): Executor => new ApiExecutor(settings.api),
  k8s: (settings: ExecutorSettings): Executor => new K8sExecutor(settings.k8s),
  file: ({ fileRoots, shell }: ExecutorSettings): Executor =>
    new FileExecutor({ roots: fileRoots, workFolder: shell.workFolder }),
  elasticsearch: ({ connections, spoolFolder }: ExecutorSettings): Executor =>
    new ElasticsearchExecutor({ connections: connections.get('elasticsearch') ?? new Map(), spoolFolder }),
  postgres: ({ connections, spoolFolder }: ExecutorSettings): Executor =>
    new PostgresExecutor({ connections: connections.get('postgres') ?? new Map(), spoolFolder }),
  mysql: ({ connections, goInception, spoolFolder }: ExecutorSettings): Executor =>
    new MysqlExecutor({
      connections: connections.get('mysql') ?? new Map(),
      spoolFolder,
      ...(goInception && { goInception }),
    }),
  doris: ({ connections, spoolFolder }: ExecutorSettings): Executor =>
    new DorisExecutor({ connections: connections.get('doris') ?? new Map(), spoolFolder }),
  mongo: ({ connections, spoolFolder }: ExecutorSettings): Executor =>
    new MongoExecutor({ connections: connections.get('mongo') ?? new Map(), spoolFolder }),
  clickhouse: ({ connections, spoolFolder }: ExecutorSettings): Executor =>
    new ClickHouseExecutor({ connections: connections.get('clickhouse') ?? new Map(), spoolFolder }),
  'sync-action': ({ syncLogger, fileRoots }: ExecutorSettings): Executor =>
    new SyncActionExecutor({
      sources: sourceDrivers,
      pushers: pusherDrivers,
      mayRead: (path) => fileRoots.allows(path),
      logger: syncLogger,
    }),
} satisfies Partial<Record<TaskType, (settings: ExecutorSettings) => Executor>>;

export type Executors = ReadonlyMap<TaskType, Executor>;

export function createExecutors(settings: ExecutorSettings): Executors {
  const types = (Object.keys(factories) as (keyof typeof factories)[]).filter(
    (type) => !settings.disabled.includes(type),
  );
  return new Map<TaskType, Executor>(types.map((type) => [type, factories[type](settings)]));
}
