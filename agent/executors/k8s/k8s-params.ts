export const WRITES = ['create', 'update', 'delete', 'patch', 'apply'] as const;
export const READS = ['get', 'describe', 'logs', 'events', 'rollout'] as const;
export const PATCH_TYPES = ['strategic', 'merge', 'json'] as const;
export const ROLLOUT_ACTIONS = ['status', 'restart', 'undo', 'pause', 'resume'] as const;

export type WriteOperation = (typeof WRITES)[number];
export type ReadOperation = (typeof READS)[number];
export type PatchType = (typeof PATCH_TYPES)[number];
export type RolloutAction = (typeof ROLLOUT_ACTIONS)[number];

/** The parameters of a k8s task (manual §3, docs/tasks/k8s.md). */
export interface K8sParams {
  readonly operation: WriteOperation | ReadOperation;
  readonly namespace: string | undefined;
  readonly allNamespaces: boolean;
  readonly patchType: PatchType;
  readonly force: boolean;
  readonly dryRun: boolean;
  /** Undefined when the task does not say. */
  readonly wait: boolean | undefined;
  readonly serviceAccount: string | undefined;
  readonly resource: string | undefined;
  readonly name: string | undefined;
  readonly apiVersion: string | undefined;
  readonly labelSelector: string | undefined;
  readonly fieldSelector: string | undefined;
  readonly limit: number | undefined;
  readonly output: 'json' | 'yaml';
  readonly container: string | undefined;
  readonly previous: boolean;
  readonly follow: boolean;
  readonly followSeconds: number | undefined;
  readonly tailLines: number | undefined;
  readonly sinceSeconds: number | undefined;
  readonly action: RolloutAction;
  readonly revision: number | undefined;
  readonly fileName: string | undefined;
}

const NAMESPACE = /^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/;
const SERVICE_ACCOUNT = /^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?\/)?[a-z0-9]([-a-z0-9.]{0,251}[a-z0-9])?$/;

class BadParam extends Error {}

/** Reads the parameters of a k8s task; a string is what is wrong with them. */
export function parseK8sParams(params: Readonly<Record<string, unknown>>): K8sParams | string {
  try {
    return read(params);
  } catch (err) {
    if (err instanceof BadParam) return err.message;
    throw err;
  }
}

function read(params: Readonly<Record<string, unknown>>): K8sParams {
  const text = (key: string): string | undefined => {
    const value = params[key] ?? '';
    if (typeof value !== 'string') throw new BadParam(`params.${key} must be a string`);
    return value.trim() === '' ? undefined : value.trim();
  };
  const flag = (key: string): boolean | undefined => {
    const value = params[key] ?? undefined;
    if (value !== undefined && typeof value !== 'boolean') throw new BadParam(`params.${key} must be true or false`);
    return value;
  };
  const integer = (key: string, least: number): number | undefined => {
    const value = params[key] ?? undefined;
    if (value !== undefined && (!Number.isSafeInteger(value) || (value as number) < least))
      throw new BadParam(`params.${key} must be an integer of at least ${least}`);
    return value as number | undefined;
  };
  const oneOf = <T extends string>(key: string, values: readonly T[], unset: T): T => {
    const value = text(key)?.toLowerCase() ?? unset;
    if (!(values as readonly string[]).includes(value))
      throw new BadParam(`params.${key} must be one of ${values.join(', ')}`);
    return value as T;
  };
  const namespace = text('namespace');
  if (namespace !== undefined && !NAMESPACE.test(namespace))
    throw new BadParam(`params.namespace is no name of a namespace`);
  const serviceAccount = text('service_account');
  if (serviceAccount !== undefined && !SERVICE_ACCOUNT.test(serviceAccount))
    throw new BadParam(`params.service_account must be the name of a service account, or namespace/name`);
  return {
    operation: operation(text('operation')),
    namespace,
    allNamespaces: flag('all_namespaces') ?? false,
    patchType: oneOf('patch_type', PATCH_TYPES, 'strategic'),
    force: flag('force') ?? false,
    dryRun: flag('dry_run') ?? false,
    wait: flag('wait'),
    serviceAccount,
    resource: text('resource'),
    name: text('name'),
    apiVersion: text('api_version'),
    labelSelector: text('label_selector'),
    fieldSelector: text('field_selector'),
    limit: integer('limit', 1),
    output: oneOf('output', ['json', 'yaml'], 'json'),
    container: text('container'),
    previous: flag('previous') ?? false,
    follow: flag('follow') ?? false,
    followSeconds: integer('follow_seconds', 1),
    tailLines: integer('tail_lines', 0),
    sinceSeconds: integer('since_seconds', 1),
    action: oneOf('action', ROLLOUT_ACTIONS, 'status'),
    revision: integer('revision', 1),
    fileName: text('file_name'),
  };
}

function operation(value: string | undefined): K8sParams['operation'] {
  const known: readonly string[] = [...WRITES, ...READS];
  const wanted = value?.toLowerCase() ?? 'apply';
  if (!known.includes(wanted)) throw new BadParam(`unsupported operation: ${value} (supported: ${known.join(', ')})`);
  return wanted as K8sParams['operation'];
}
