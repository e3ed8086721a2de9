import type { KubeClient } from '../../../kube/client.ts';
import { secrets, syncPushers, syncSources, syncTasks } from '../../../kube/resource.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import type { WriterWorld } from './writer-world.ts';

export interface SyncPlan {
  /** Of all its objects. */
  readonly name: string;
  readonly world: WriterWorld;
  readonly endpoint: string;
  /** Of the source's bus; the default unless set. */
  readonly maxQueueSize?: number;
}

/** Small pushes, so that snapshots take long, and short pauses. */
const BATCH_SIZE = 20;

/** Makes a source, a pusher and a SyncTask that runs. */
export async function createSync(
  client: KubeClient,
  ns: string,
  { name, world, endpoint, maxQueueSize }: SyncPlan,
): Promise<SyncTask> {
  const metadata = { name };
  if (world.login !== undefined)
    await client.create(secrets, ns, {
      metadata,
      type: 'tiangong.io/credential',
      data: Object.fromEntries(
        Object.entries(world.login).map(([key, value]) => [key, Buffer.from(value).toString('base64')]),
      ),
    });
  await client.create(syncSources, ns, {
    metadata,
    spec: {
      ...world.source,
      ...(world.login !== undefined && { secret_ref: name }),
      ...(maxQueueSize !== undefined && { max_queue_size: maxQueueSize }),
      retry_delay_sec: 1,
      disabled: false,
    },
  });
  await client.create(syncPushers, ns, {
    metadata,
    spec: { driver: 'openapi', endpoint, batch_size: BATCH_SIZE, max_retries: 30, retry_delay_sec: 1, disabled: false },
  });
  return client.create(syncTasks, ns, {
    metadata,
    spec: { source: name, pusher: name, disabled: false, desiredState: 'Running' },
  });
}

export const readSync = (client: KubeClient, ns: string, name: string): Promise<SyncTask> =>
  client.get(syncTasks, ns, name);

/** Deletes the task and waits until it is gone, so that nothing of it is left at its source. */
export async function deleteSync(client: KubeClient, ns: string, name: string): Promise<void> {
  await client.delete(syncTasks, ns, name);
}
