import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { deployTasks, secrets } from '../../kube/resource.ts';
import type { Secret } from '../../kube/resource.ts';
import { isFinished } from '../../kube/task-state.ts';
import type { DeployTask } from '../../kube/types/deploytask.ts';
import { CONFIG_LABEL } from '../configs/config-secrets.ts';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_TYPE, isMadeFor, TASK_LABEL } from '../tasks/task-secrets.ts';
import { isAssignedTo } from './agent-identity.ts';
import type { Caller } from './agent-identity.ts';

/** On a Secret: the hosts that it may be sent to, separated by commas. Absent: any. */
const ALLOWED_HOSTS = 'tiangong.io/allowed-hosts';

export interface Credential {
  readonly data: Readonly<Record<string, string>>;
  readonly allowedHosts: readonly string[] | null;
}

/** Who asks for which Secret of a task. */
export interface CredentialRequest {
  readonly ref: string;
  readonly caller: Pick<Caller, 'agents'>;
  /** The assignment that the caller has; administrators have none. */
  readonly epoch: number | undefined;
}

/**
 * Reads a Secret that the task names, in plain text, for the agent that it is assigned to at this epoch. Everything is asked
 * of the API server: no copy is kept, and that of the task may be old.
 */
export async function readCredential(
  client: KubeClient,
  known: DeployTask,
  { ref, caller, epoch }: CredentialRequest,
): Promise<Credential> {
  const { namespace = '', name, uid } = known.metadata;
  const task = await orUndefined(() => client.get(deployTasks, namespace, name));
  if (task === undefined || task.metadata.uid !== uid) throw new ApiError('NotAssigned');
  if (!isAssignedTo(caller, task.status?.assignment, epoch)) throw new ApiError('NotAssigned');
  // What waits again keeps its last assignment, which is nobody's any more.
  if (task.status?.state === 'Pending') throw new ApiError('NotAssigned');
  // What has ended needs no credentials any more, unless its agent still finds out how it ended.
  if (isFinished(task) && task.status?.state !== 'Unknown') throw new ApiError('NotAssigned', 'the task has ended');
  const params = task.spec.params;
  const named = [params?.secret_ref, params?.headers_secret_ref, params?.target?.secret_ref];
  if (ref === '' || !named.includes(ref)) throw new ApiError('SecretNotAllowed');
  const secret = await orUndefined(() => client.get(secrets, namespace, ref));
  if (secret === undefined) throw new ApiError('SecretNotFound', `secret ${namespace}/${ref} not found`);
  if (secret.type !== CREDENTIAL_TYPE)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} is not of type ${CREDENTIAL_TYPE}`);
  if (secret.metadata.labels?.[TASK_LABEL] !== undefined && !isMadeFor(secret, task))
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} was made for another task`);
  if (secret.metadata.labels?.[CONFIG_LABEL] !== undefined)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} was made for a source or pusher of syncs`);
  return credentialOf(secret);
}

/** What a Secret says, and where it may be sent. */
export function credentialOf(secret: Secret): Credential {
  return { data: decode(secret), allowedHosts: allowedHostsOf(secret) };
}

function decode({ data = {} }: Secret): Record<string, string> {
  return Object.fromEntries(Object.entries(data).map(([key, value]) => [key, Buffer.from(value, 'base64').toString()]));
}

function allowedHostsOf({ metadata }: Secret): string[] | null {
  const text = metadata.annotations?.[ALLOWED_HOSTS];
  if (text === undefined) return null;
  return text
    .split(',')
    .map((host) => host.trim())
    .filter((host) => host !== '');
}

/** What is not there, and what no object can be called, is undefined. */
async function orUndefined<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read();
  } catch (err) {
    if (isNotFound(err) || err instanceof RangeError) return undefined;
    throw err;
  }
}
