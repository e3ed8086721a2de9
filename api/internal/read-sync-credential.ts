import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import type { Endpoint } from '../configs/config-kind.ts';
import { CONFIG_LABEL, isMadeForConfig } from '../configs/config-secrets.ts';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_TYPE, TASK_LABEL } from '../tasks/task-secrets.ts';
import { isAssignedTo } from './agent-identity.ts';
import type { Caller } from './agent-identity.ts';
import { credentialOf } from './read-credential.ts';
import type { Credential } from './read-credential.ts';

/** Which SyncTask asks for which Secret. */
export interface SyncCredentialRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ref: string;
  /** The assignment that the caller has; administrators have none. */
  readonly epoch: number | undefined;
}

/**
 * Reads a Secret that the source or the pusher of a SyncTask names, in plain text, for the agent that the task is assigned to at this epoch.
 * Everything is asked of the API server: no copy is kept.
 */
export async function readSyncCredential(
  client: KubeClient,
  caller: Pick<Caller, 'agents'>,
  { uid, namespace, name, ref, epoch }: SyncCredentialRequest,
): Promise<Credential> {
  const sync = await orUndefined(() => client.get(syncTasks, namespace, name));
  if (sync?.metadata.uid !== uid || !isAssignedTo(caller, sync.status?.assignment, epoch))
    throw new ApiError('NotAssigned', 'the sync is not assigned to the caller at this epoch');
  const named = (await configsOf(client, sync)).filter(({ spec }) => spec.secret_ref === ref);
  if (ref === '' || named.length === 0)
    throw new ApiError('SecretNotAllowed', 'neither the source nor the pusher of the sync names this secret');
  const secret = await orUndefined(() => client.get(secrets, namespace, ref));
  if (secret === undefined) throw new ApiError('SecretNotFound', `secret ${namespace}/${ref} not found`);
  if (secret.type !== CREDENTIAL_TYPE)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} is not of type ${CREDENTIAL_TYPE}`);
  if (secret.metadata.labels?.[TASK_LABEL] !== undefined)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} was made for a task`);
  if (secret.metadata.labels?.[CONFIG_LABEL] !== undefined && !named.some((config) => isMadeForConfig(secret, config)))
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} was made for another source or pusher`);
  return credentialOf(secret);
}

async function configsOf(client: KubeClient, { spec, metadata }: SyncTask): Promise<Endpoint[]> {
  const [source, pusher] = await Promise.all([
    orUndefined(() => client.get(syncSources, metadata.namespace, spec.source)),
    orUndefined(() => client.get(syncPushers, metadata.namespace, spec.pusher)),
  ]);
  return [source, pusher].filter((config) => config !== undefined);
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
