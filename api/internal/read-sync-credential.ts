import type { KubeClient } from '../../kube/client.ts';
import { isNotFound } from '../../kube/kube-error.ts';
import { secrets, syncPushers, syncSources, syncTasks } from '../../kube/resource.ts';
import type { SyncTask } from '../../kube/types/synctask.ts';
import { ApiError } from '../errors.ts';
import { CREDENTIAL_TYPE, TASK_LABEL } from '../tasks/task-secrets.ts';
import { credentialOf } from './read-credential.ts';
import type { Credential } from './read-credential.ts';
import type { Caller } from './token-reviewer.ts';

/** Which SyncTask asks for which Secret. */
export interface SyncCredentialRequest {
  readonly uid: string;
  readonly namespace: string;
  readonly name: string;
  readonly ref: string;
}

/**
 * Reads a Secret that the source or the pusher of a SyncTask names, in plain text, for the agent that the task is assigned to.
 * Everything is asked of the API server: no copy is kept.
 */
export async function readSyncCredential(
  client: KubeClient,
  caller: Pick<Caller, 'agent'>,
  { uid, namespace, name, ref }: SyncCredentialRequest,
): Promise<Credential> {
  const sync = await orUndefined(() => client.get(syncTasks, namespace, name));
  const isAssigned = caller.agent === undefined || sync?.status?.assignment?.agent === caller.agent;
  if (sync?.metadata.uid !== uid || !isAssigned)
    throw new ApiError('NotAssigned', 'the sync is not assigned to the caller');
  if (ref === '' || !(await namedSecrets(client, sync)).includes(ref))
    throw new ApiError('SecretNotAllowed', 'neither the source nor the pusher of the sync names this secret');
  const secret = await orUndefined(() => client.get(secrets, namespace, ref));
  if (secret === undefined) throw new ApiError('SecretNotFound', `secret ${namespace}/${ref} not found`);
  if (secret.type !== CREDENTIAL_TYPE)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} is not of type ${CREDENTIAL_TYPE}`);
  if (secret.metadata.labels?.[TASK_LABEL] !== undefined)
    throw new ApiError('SecretNotAllowed', `secret ${namespace}/${ref} was made for a task`);
  return credentialOf(secret);
}

async function namedSecrets(client: KubeClient, { spec, metadata }: SyncTask): Promise<(string | undefined)[]> {
  const [source, pusher] = await Promise.all([
    orUndefined(() => client.get(syncSources, metadata.namespace, spec.source)),
    orUndefined(() => client.get(syncPushers, metadata.namespace, spec.pusher)),
  ]);
  return [source?.spec.secret_ref, pusher?.spec.secret_ref];
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
