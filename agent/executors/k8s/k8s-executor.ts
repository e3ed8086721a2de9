import { openText } from '../../files/open-text.ts';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { ClusterConnections } from './connection/cluster-connections.ts';
import type { ConnectionLease } from './connection/cluster-connections.ts';
import { isOfPod, loadKubeconfig } from './connection/load-kubeconfig.ts';
import type { KubeconfigOptions } from './connection/load-kubeconfig.ts';
import type { ServiceAccount } from './connection/service-account-config.ts';
import { checkDryRun } from './dry-run-support.ts';
import { failureOf, K8sFailure } from './k8s-failure.ts';
import { parseK8sParams } from './k8s-params.ts';
import type { K8sParams } from './k8s-params.ts';
import { MAX_MANIFEST_CHARS, unreadable } from './manifest/parse-documents.ts';
import { namesOfNamespaces } from './manifest/names-of-namespaces.ts';
import { ObjectCalls } from './object-calls.ts';
import { describe } from './operations/describe.ts';
import { events } from './operations/events.ts';
import { get } from './operations/get.ts';
import { logs } from './operations/logs.ts';
import { rollout } from './operations/rollout.ts';
import type { Session } from './operations/session.ts';
import { writeManifests } from './operations/write-manifests.ts';

export interface K8sExecutorOptions extends KubeconfigOptions {
  /** Where objects go that name no namespace; `default` unless set. */
  readonly namespace?: string;
  /** Whose rights tasks have that name no service account; the login of the kubeconfig unless set. */
  readonly serviceAccount?: ServiceAccount;
  /** Tasks must name a service account: none runs with the agent's own rights. */
  readonly requireServiceAccount?: boolean;
  readonly userAgent?: string;
}

const READING = { get, describe, logs, events, rollout };
/** What an archive may hold as manifests (`file_id`). */
const EXTENSIONS = ['.yaml', '.yml', '.json'];

/** Handles objects of a Kubernetes cluster (manual §3). */
export class K8sExecutor implements Executor {
  readonly type = 'k8s';
  readonly #options: K8sExecutorOptions;
  readonly #connections: ClusterConnections;

  constructor(options: K8sExecutorOptions = {}) {
    this.#options = options;
    this.#connections = new ClusterConnections(options.userAgent ?? 'tiangong');
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const params = parseK8sParams(context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    try {
      context.signal.throwIfAborted();
      return await this.#run(context, params);
    } catch (err) {
      if (context.signal.aborted) return failed('Aborted', 'the task was stopped');
      if (err instanceof FileUnavailable) return failed(err.reason, err.message);
      const { reason, message } = failureOf(err, `${params.operation} resource`);
      return failed(reason, message);
    }
  }

  close(): Promise<void> {
    return this.#connections.close();
  }

  async #run(context: ExecutionContext, params: K8sParams): Promise<Outcome> {
    const text = await textOf(context, params);
    const isNamed = params.operation in READING || params.resource !== undefined;
    if (text.trim() === '' && !isNamed) return failed('InvalidParams', 'k8s YAML or JSON content is required');
    const account = this.#accountOf(params, text);
    const config = loadKubeconfig(this.#options);
    // What an agent in a pod may do, on tasks, agents and Leases, is not for whoever may create tasks.
    if (account === undefined && isOfPod(config))
      throw new K8sFailure(
        'NotConfigured',
        'k8s tasks of an agent in a pod need a service account of their own: set taskServiceAccountName of the AgentPool (or plugins[].config.service_account of type k8s), or params.service_account of the task',
      );
    const lease = await this.#connections.lease(config, account, context.signal);
    try {
      if (params.dryRun) await checkDryRun(lease.client, context.signal);
      return await this.#operate(context, params, lease, text);
    } finally {
      lease.release();
    }
  }

  #operate(context: ExecutionContext, params: K8sParams, lease: ConnectionLease, text: string): Promise<Outcome> {
    const calls = new ObjectCalls({
      client: lease.client,
      signal: context.signal,
      dryRun: params.dryRun,
      onKindGone: () => lease.discovery.invalidate(),
      onWarning: (warning) => void context.output.log('warn', `Warning: ${warning}`),
    });
    const { client, discovery } = lease;
    const defaultNamespace = this.#options.namespace ?? 'default';
    const session: Session = { context, params, calls, client, discovery, defaultNamespace };
    const { operation } = params;
    switch (operation) {
      case 'get':
      case 'describe':
      case 'logs':
      case 'events':
      case 'rollout':
        return READING[operation](session, text);
      default:
        return writeManifests(session, operation, text);
    }
  }

  #accountOf({ serviceAccount, namespace }: K8sParams, text: string): ServiceAccount | undefined {
    const { requireServiceAccount = false, namespace: configured = 'default' } = this.#options;
    if (serviceAccount === undefined) {
      if (this.#options.serviceAccount !== undefined) return this.#options.serviceAccount;
      if (!requireServiceAccount) return undefined;
      throw new K8sFailure(
        'SecurityPolicyViolation',
        'params.service_account is required: the configuration of this agent has require_service_account',
      );
    }
    const [first = '', second] = serviceAccount.split('/');
    return second === undefined
      ? { namespace: namespace ?? namespaceOf(first, text) ?? configured, name: first }
      : { namespace: first, name: second };
  }
}

/** The task's file, if it names one, else its command. */
async function textOf(context: ExecutionContext, params: K8sParams): Promise<string> {
  if (context.fileId === undefined && context.params['file_path'] === undefined) return context.command;
  const file = await openText(await context.file(), { fileName: params.fileName, extensions: EXTENSIONS });
  try {
    let text = '';
    for await (const piece of file.pieces) {
      text += piece;
      if (text.length > MAX_MANIFEST_CHARS)
        throw unreadable(`${file.name} has more than ${MAX_MANIFEST_CHARS} characters; split it into several files`);
    }
    return text;
  } finally {
    file.release();
  }
}

/** The namespace that every object of a text names; undefined when none does. Another identity than meant is none. */
function namespaceOf(account: string, text: string): string | undefined {
  const [first, ...others] = namesOfNamespaces(text);
  if (others.length === 0) return first;
  throw new K8sFailure(
    'InvalidParams',
    `params.service_account "${account}" says no namespace, and not all objects of the text name the same one: write namespace/${account}, or set params.namespace`,
  );
}
