import { randomBytes } from 'node:crypto';
import type { Logger } from 'pino';
import { sleep } from '../kube/backoff.ts';
import type { KubeClient } from '../kube/client.ts';
import type { Agent as AgentObject } from '../kube/types/agent.ts';
import { aborted, abortedWhen } from './aborted.ts';
import { IDLE } from './agent-state.ts';
import type { AgentState } from './agent-state.ts';
import { createExecutors } from './executors/registry.ts';
import type { ExecutorSettings, Executors } from './executors/registry.ts';
import { FileCache } from './files/file-cache.ts';
import { FileRoots } from './files/file-roots.ts';
import { TaskFiles } from './files/task-files.ts';
import { Heartbeat } from './heartbeat.ts';
import type { HeartbeatTimes } from './heartbeat.ts';
import { Journal } from './journal/journal.ts';
import { Uploader } from './output/uploader.ts';
import { Recovery, endLeftovers } from './recovery.ts';
import { keepRegistered } from './registration.ts';
import { Reporter } from './reporter.ts';
import { sayDraining } from './say-draining.ts';
import { Scheduler } from './scheduler.ts';
import { SharedSources } from './sync/bus/shared-sources.ts';
import { LogShipper } from './sync/log/log-shipper.ts';
import { syncLogger } from './sync/log/sync-logger.ts';
import { pusherDrivers } from './sync/pushers/registry.ts';
import { SyncRunner } from './sync/runner/sync-runner.ts';
import { sourceDrivers } from './sync/sources/registry.ts';
import { StateFolder, StateFolderTaken } from './state-folder.ts';
import { TaskWatch } from './task-watch.ts';
import { TiangongApi } from './tiangong-api.ts';
import type { SyncLogBatch, TiangongApiOptions } from './tiangong-api.ts';

export interface AgentOptions {
  readonly client: KubeClient;
  readonly name: string;
  /** Where the Agent and its Lease are: the home namespace. */
  readonly namespace: string;
  readonly stateDir: string;
  readonly version: string;
  /** Undefined: long commands, credentials and large outputs are not to be had. */
  readonly api?: TiangongApiOptions;
  readonly labels?: Readonly<Record<string, string>>;
  readonly env?: string;
  /** Settings of the executors; the folder of the shell is the state folder's. */
  readonly executors?: Partial<Omit<ExecutorSettings, 'shell' | 'spoolFolder' | 'syncLogger'>> & {
    shell?: Omit<ExecutorSettings['shell'], 'workFolder'>;
  };
  /** How many bytes of output may wait on disk for their upload; 8 GiB unless set. */
  readonly spoolLimit?: number;
  /** How long running tasks may go on when the agent is stopped; 20 s unless set. */
  readonly drainMs?: number;
  readonly heartbeat?: Partial<HeartbeatTimes>;
  /** Files and folders that no task may name by a path. */
  readonly privatePaths?: readonly string[];
  /** Wait for another agent of the same name to go, instead of giving up. */
  readonly wait?: boolean;
  readonly logger: Logger;
}

const SPOOL_LIMIT = 8 * 1024 ** 3;
const DRAIN_MS = 20_000;
/** The longest that a timer of Node can wait: 24 days. */
const MAX_TIMER_MS = 2 ** 31 - 1;
const WAIT_MS = 1_000;
const LAST_REGISTRATION_MS = 1_000;
/** Longer is not worth waiting for: the Lease says the same in the end. */
const SAY_DRAINING_MS = 10_000;

/** Another process has taken this agent's Lease while it ran. */
class LeaseLost extends Error {
  override readonly name = 'LeaseLost';
}

/** Runs the tasks that are assigned to one Agent. */
export class Agent {
  /** The random id of this process, as it stands in the Lease and in assignments. */
  readonly instance = randomBytes(10).toString('hex');
  readonly #options: AgentOptions;
  readonly #logger: Logger;
  #state: () => AgentState = () => IDLE;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#logger = options.logger.child({ agent: options.name });
  }

  get state(): AgentState {
    return this.#state();
  }

  /**
   * Runs until the signal aborts and then drains; `hurry` cuts the draining short. Rejects with `NameTaken`,
   * `StateFolderTaken` or `JournalError` when it cannot begin, and with `LeaseLost` when it was replaced.
   */
  async run(signal: AbortSignal, hurry: AbortSignal = new AbortController().signal): Promise<void> {
    const folder = await this.#openFolder(signal);
    if (folder === undefined) return;
    try {
      const journal = await Journal.open(folder.path);
      try {
        if (journal.damaged) this.#logger.error('the journal is damaged: what it may hide counts as begun');
        await this.#runIn(folder, journal, signal, hurry);
      } finally {
        await journal.close();
      }
    } finally {
      folder.close();
    }
  }

  async #runIn(folder: StateFolder, journal: Journal, signal: AbortSignal, hurry: AbortSignal): Promise<void> {
    const { client, namespace, name } = this.#options;
    const evidence = await endLeftovers(journal);
    const heartbeat = new Heartbeat(client, {
      namespace,
      name,
      instance: this.instance,
      ...(folder.previousInstance === undefined ? {} : { deadInstance: folder.previousInstance }),
      ...(this.#options.heartbeat === undefined ? {} : { times: this.#options.heartbeat }),
      logger: this.#logger,
    });
    if (!(await heartbeat.acquire(this.#options.wait ?? false, signal))) return;
    await folder.rememberInstance(this.instance);
    const beating = new AbortController();
    const beat = heartbeat.run(beating.signal);
    try {
      const lost = beat.then((end) => end === 'lost');
      await this.#work(folder, journal, heartbeat, evidence, AbortSignal.any([signal, abortedWhen(lost)]), hurry);
    } finally {
      beating.abort();
    }
    if ((await beat) === 'lost') throw new LeaseLost(`another process has become agent ${name}; this one has stopped`);
    await heartbeat.release();
  }

  async #work(
    folder: StateFolder,
    journal: Journal,
    heartbeat: Heartbeat,
    evidence: ReadonlyMap<string, string>,
    signal: AbortSignal,
    hurry: AbortSignal,
  ): Promise<void> {
    const { client, namespace, name } = this.#options;
    const logger = this.#logger;
    const api = this.#options.api === undefined ? undefined : new TiangongApi(this.#options.api);
    const limit = this.#options.spoolLimit ?? SPOOL_LIMIT;
    const uploader = api && new Uploader({ api, folder: folder.spoolFolder, limit, logger });
    await uploader?.recover(resumableRuns(journal));
    const roots = new FileRoots({
      workFolder: folder.workFolder,
      stateFolder: folder.path,
      roots: this.#options.executors?.file?.roots,
      closed: this.#options.privatePaths ?? [],
    });
    const send = api && ((batch: SyncLogBatch, until: AbortSignal): Promise<void> => api.putSyncLogs(batch, until));
    const shipper = send && new LogShipper({ sender: this.instance, send });
    const syncLog = syncLogger(logger, shipper);
    const executors = this.#executors(folder, roots, syncLog);
    await Promise.all([...executors.values()].map(async (executor) => executor.prepare?.()));
    const reporter = new Reporter(client, `agent/${name}`, logger);
    const starter = { agent: name, instance: this.instance };
    const files = await this.#files(folder, roots, api);
    const tools = { executors, api, uploader, files, logger };
    const scheduler = new Scheduler({ client, starter, journal, heartbeat, reporter, tools, logger });
    const stopped = new AbortController();
    const recovery = new Recovery(
      { client, journal, reporter, scheduler, uploader, instance: this.instance, logger, signal: stopped.signal },
      evidence,
    );
    const watch = new TaskWatch(
      client,
      name,
      (task, previous) => {
        scheduler.observe(task, previous);
        if (task !== undefined) recovery.observe(task);
      },
      logger,
    );
    void recovery.journaled();
    // An agent whose host forbids their actions runs no syncs either; the operator gives it none.
    const syncs = executors.has('sync-action') ? this.#syncs(folder, roots, heartbeat, syncLog, api) : undefined;
    let registered = false;
    const registration = this.#keepRegistered(
      [...executors.keys()],
      scheduler,
      [watch, ...(syncs ? [syncs] : [])],
      () => (registered = true),
      signal,
    );
    this.#state = () => ({
      ready: registered && heartbeat.mayStart && !signal.aborted,
      draining: signal.aborted,
      tasks: { running: scheduler.running, waiting: scheduler.waiting },
      syncs: syncs?.size ?? 0,
    });
    logger.info({ instance: this.instance, namespace }, `agent ${name} is running`);
    await Promise.race([registration, aborted(signal)]);
    // A successor cannot know what runs here, and will not run it again: let it end.
    const graceMs = heartbeat.isLost ? MAX_TIMER_MS : (this.#options.drainMs ?? DRAIN_MS);
    const drained = new AbortController();
    const handOver = async (): Promise<void> => {
      // What it is writing must not come after what is said now.
      await Promise.race([registration, sleep(LAST_REGISTRATION_MS, drained.signal)]);
      if (heartbeat.isLost || !(await this.#sayDraining(drained.signal))) await syncs?.close();
      else syncs?.drain();
    };
    await Promise.all([handOver(), scheduler.drain(graceMs, hurry).finally(() => drained.abort())]);
    await syncs?.close();
    stopped.abort();
    await Promise.all([registration, watch.close(), uploader?.close()]);
    await Promise.all([...executors.values()].map(async (executor) => executor.close?.()));
    await shipper?.close();
    await api?.close();
  }

  #sayDraining(drained: AbortSignal): Promise<boolean> {
    const { client, namespace, name } = this.#options;
    const options = { namespace, name, instance: this.instance, logger: this.#logger };
    return sayDraining(client, options, AbortSignal.any([drained, AbortSignal.timeout(SAY_DRAINING_MS)]));
  }

  /** Keeps the Agent object there, and heeds its spec. */
  #keepRegistered(
    taskTypes: string[],
    scheduler: Scheduler,
    watches: readonly Pick<TaskWatch, 'serve'>[],
    onRegistered: () => void,
    signal: AbortSignal,
  ): Promise<void> {
    const { client, namespace, name, version, env, labels = {} } = this.#options;
    const own = {
      ...{ namespace, name, instance: this.instance, version, env, labels, taskTypes },
      ...{ isDraining: () => signal.aborted, logger: this.#logger },
    };
    const heed = (agent: AgentObject): void => {
      scheduler.setLimit(agent.spec?.maxConcurrent ?? 10);
      for (const watch of watches) watch.serve([namespace, ...(agent.spec?.namespaces ?? [])]);
    };
    return keepRegistered(client, own, { onRegistered, heed }, signal);
  }

  #syncs(folder: StateFolder, roots: FileRoots, heartbeat: Heartbeat, logger: Logger, api?: TiangongApi): SyncRunner {
    const { client, name } = this.#options;
    return new SyncRunner({
      ...{ client, agent: name, instance: this.instance, heartbeat, logger },
      credential: (sync, ref, signal) => {
        if (api === undefined) throw new Error('credentials are had from the API, and the agent has no --api-url');
        return api.syncCredential(sync, ref, signal);
      },
      sources: new SharedSources(logger),
      ...{ sourceDrivers, pusherDrivers, stateFolder: folder.syncFolder },
      mayRead: (path) => roots.allows(path),
    });
  }

  async #files({ workFolder, fileFolder }: StateFolder, roots: FileRoots, api?: TiangongApi): Promise<TaskFiles> {
    const limit = this.#options.executors?.file?.cacheBytes;
    const settings = { folder: fileFolder, logger: this.#logger, ...(limit === undefined ? {} : { limit }) };
    return new TaskFiles({ cache: await FileCache.open(settings), roots, workFolder, api });
  }

  #executors(folder: StateFolder, fileRoots: FileRoots, syncLog: Logger): Executors {
    const { executors: settings = {} } = this.#options;
    const audit = (entry: object): void => this.#logger.info({ audit: entry }, 'security policy decision');
    return createExecutors({
      shell: { audit, ...settings.shell, workFolder: folder.workFolder },
      api: { userAgent: `tiangong/${this.#options.version}`, ...settings.api },
      k8s: settings.k8s ?? {},
      file: settings.file ?? {},
      fileRoots,
      ...(settings.goInception && { goInception: settings.goInception }),
      connections: settings.connections ?? new Map(),
      spoolFolder: folder.workFolder,
      syncLogger: syncLog,
      disabled: settings.disabled ?? [],
    });
  }

  async #openFolder(signal: AbortSignal): Promise<StateFolder | undefined> {
    while (!signal.aborted) {
      try {
        return await StateFolder.open(this.#options.stateDir);
      } catch (err) {
        if (!(err instanceof StateFolderTaken) || this.#options.wait !== true) throw err;
        await sleep(WAIT_MS, signal);
      }
    }
    return undefined;
  }
}

/** Runs whose output may go on. */
function resumableRuns({ entries }: Journal): ReadonlySet<string> {
  const begun = [...entries].filter(([, { phase, resumable }]) => phase === 'started' && resumable === true);
  return new Set(begun.map(([key]) => key));
}
