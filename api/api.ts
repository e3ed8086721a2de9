import { setMaxListeners } from 'node:events';
import type { Request } from 'express';
import type { Logger } from 'pino';
import { Registry } from 'prom-client';
import type { KubeClient } from '../kube/client.ts';
import { KubeMetrics } from '../kube/metrics.ts';
import { watchedNamespaces } from '../kube/watched-namespaces.ts';
import type { Store } from '../store/store.ts';
import { auditRoutes } from './audit/audit-routes.ts';
import { Auditing } from './audit/auditing.ts';
import { Authenticator } from './auth/authenticator.ts';
import { Authorizer } from './auth/authorizer.ts';
import { guard as guardRoutes, openGuard } from './auth/guard.ts';
import { Reviews } from './auth/reviews.ts';
import { AgentDirectory } from './agents/agent-directory.ts';
import { agentRoutes } from './agents/agent-routes.ts';
import { Cleanup } from './cleanup.ts';
import { Configs } from './configs/configs.ts';
import { SavedActions } from './configs/saved-actions.ts';
import { identityOf } from './caller.ts';
import { DriverActions } from './drivers/driver-actions.ts';
import { readWizards } from './drivers/wizards.ts';
import { FileDistributor } from './files/distribute-file.ts';
import { fileRoutes, uploadRoutes } from './files/file-routes.ts';
import { FileUses } from './files/file-uses.ts';
import { UploadHandler } from './files/upload-handler.ts';
import { measureRequests, measureReviews, measureStore } from './http-metrics.ts';
import { Instances } from './instances/instances.ts';
import type { AgentUsers } from './internal/agent-identity.ts';
import { internalRoutes } from './internal/internal-routes.ts';
import { measureSyncs } from './metrics/sync-metrics.ts';
import { readOpenApi } from './openapi.ts';
import { guardOrigins } from './origin-guard.ts';
import { RestListener } from './rest-listener.ts';
import { checkAnswers, createApp } from './server.ts';
import { serviceRoutes } from './service-routes.ts';
import type { ApiSettings } from './settings.ts';
import { syncRoutes } from './sync-routes.ts';
import { CreateOnce } from './tasks/create-once.ts';
import { CreatedAnswer } from './tasks/created-answer.ts';
import { CreateHandler } from './tasks/create-handler.ts';
import { LogHandler } from './tasks/log-handler.ts';
import { RollbackHandler } from './tasks/rollback-handler.ts';
import { TaskAnswers } from './tasks/task-answers.ts';
import { TaskCreator } from './tasks/task-creator.ts';
import { TaskReader } from './tasks/task-reader.ts';
import { taskRoutes } from './tasks/task-routes.ts';
import { TaskSecrets } from './tasks/task-secrets.ts';

export interface ApiParts {
  /** With the rights of `tiangong:api`. The caller closes its transport, after `close`. */
  readonly client: KubeClient;
  /** The caller closes it, after `close`. */
  readonly store: Store;
  readonly logger: Logger;
  readonly settings: ApiSettings;
  /** Where metrics go; a registry of its own unless given. */
  readonly registry?: Registry;
  /** Whether answers are checked against the contract: for tests. Off unless set. */
  readonly validateResponses?: boolean;
}

/** The REST API: one HTTP server, its caches and its cleanup loop. */
export class Api {
  readonly #reader: TaskReader;
  readonly #directory: AgentDirectory;
  readonly #configs: Configs;
  readonly #cleanup: Cleanup;
  readonly #auditing: Auditing;
  readonly #listener: RestListener;
  /** Aborts first: what waits is answered. */
  readonly #stopping = new AbortController();
  readonly #loops = new AbortController();
  #running: Promise<unknown> = Promise.resolve();

  constructor(parts: ApiParts) {
    const { client, store, logger, settings, registry = new Registry() } = parts;
    const stopping = this.#stopping.signal;
    // Every waiting request listens.
    setMaxListeners(0, stopping);
    const onError = (err: unknown): void =>
      logger.warn({ err }, 'reading from the Kubernetes API failed; trying again');
    const watching = { metrics: new KubeMetrics(registry), onError };
    const secrets = new TaskSecrets(client, settings.homeNamespace);
    const namespaces = watchedNamespaces(settings.namespaces, settings.homeNamespace);
    const reader = new TaskReader(client, {
      ...{ cacheBytes: settings.cacheBytes, ...watching },
      ...(namespaces && { namespaces }),
    });
    const directory = new AgentDirectory(client, { namespace: settings.homeNamespace, ...watching });
    const configs = new Configs(client, store.blobs, { namespace: settings.homeNamespace, ...watching });
    const contract = readOpenApi();
    const { idempotencyKeys: keys, audit } = store;
    const { homeNamespace } = settings;
    const whoIs = (req: Request): string | undefined => identityOf(req, (text) => keys.digest(text));
    const { changes } = reader;
    const auditing = new Auditing({ audit, contract, changes, homeNamespace, registry, logger, identityOf: whoIs });
    const creator = new TaskCreator(client, store.blobs, secrets, settings, auditing.noteTask);
    const answers = new TaskAnswers(store, settings.homeNamespace);
    const uses = new FileUses(store.files, reader, settings.homeNamespace);
    const once = new CreateOnce(keys, creator);
    const created = new CreatedAnswer({ reader, answers, store, homeNamespace, stopping });
    const rollback = new RollbackHandler({ client, store, secrets, once, creator, created, directory, uses });
    const create = new CreateHandler({ once, creator, created, directory, keys, uses, homeNamespace });
    const upload = new UploadHandler(store.files, { maxBytes: settings.maxFileBytes, idleMs: settings.uploadIdleMs });
    const distributor = new FileDistributor({ uses, directory, creator });
    const logs = new LogHandler(reader, store.streams, stopping);
    const observe = measureReviews(registry);
    // Apart, so that tokens nobody knows do not keep those who are known waiting.
    const authorizer = new Authorizer(new Reviews(client, { observe }));
    const authenticator = new Authenticator(new Reviews(client, { observe }), { maxAgeMs: settings.tokenMaxAgeMs });
    const guard = settings.auth === 'none' ? openGuard : guardRoutes({ authenticator, authorizer, homeNamespace });
    const actions = new DriverActions({ creator, reader, directory, store, homeNamespace });
    measureStore(registry, store);
    measureSyncs(registry, configs);
    this.#reader = reader;
    this.#directory = directory;
    this.#configs = configs;
    this.#auditing = auditing;
    this.#cleanup = new Cleanup({ reader, secrets, configs, store, uses, settings, logger });
    const app = createApp({
      contract,
      logger,
      first: [measureRequests(registry), auditing.handler, guardOrigins(settings)],
      service: serviceRoutes({ guard, contract, registry, isReady: () => this.isReady, stopping }),
      internal: internalRoutes({ client, store, reader, authenticator, agentUsers: agentUsersOf(settings), logger }),
      guard,
      tasks: taskRoutes({ client, store, reader, answers, create, logs, rollback, homeNamespace, logger }),
      agents: agentRoutes(directory),
      audit: auditRoutes(audit),
      uploads: uploadRoutes(upload),
      files: fileRoutes({ files: store.files, uses, distributor }),
      syncs: syncRoutes({
        guard,
        ...{ configs, saved: new SavedActions(configs, actions), instances: new Instances(configs) },
        ...{
          registry,
          checks: parts.validateResponses === true ? checkAnswers(contract) : [],
          logs: store.syncLogs,
          logger,
        },
        drivers: {
          wizards: readWizards(),
          actions,
          identityOf: whoIs,
          stopping,
        },
      }),
      validateResponses: parts.validateResponses ?? false,
    });
    const isReady = (): boolean => this.isReady;
    this.#listener = new RestListener({ app, settings, registry, isReady, logger });
  }

  /** Whether all tasks, agents and configurations have been read. Single tasks and agents can be read before that. */
  get isReady(): boolean {
    return this.#reader.hasSynced && this.#directory.hasSynced && this.#configs.hasSynced;
  }

  /** Begins to read and to answer. Rejects when the address cannot be had. Call it once. */
  async listen(): Promise<{ url: string; port: number; metricsPort: number | undefined }> {
    const address = await this.#listener.listen();
    const signal = this.#loops.signal;
    const loops = [this.#reader, this.#directory, this.#configs, this.#cleanup, this.#auditing];
    this.#running = Promise.all(loops.map((loop) => loop.run(signal)));
    return address;
  }

  /** Answers what is under way, then stops. */
  async close(): Promise<void> {
    this.#stopping.abort();
    await this.#listener.close();
    this.#loops.abort();
    await this.#running;
  }
}

const agentUsersOf = ({ homeNamespace, hostNamespace, agentServiceAccount, namedAgents }: ApiSettings): AgentUsers => ({
  ...{ homeNamespace, hostNamespace },
  serviceAccount: agentServiceAccount,
  named: namedAgents,
});
