import { rm } from 'node:fs/promises';
import { isNotFound } from '../../../kube/kube-error.ts';
import { syncSources } from '../../../kube/resource.ts';
import type { SyncTask } from '../../../kube/types/synctask.ts';
import type { SyncAssignment } from './assignment.ts';
import { sourceOf } from './sync-attempt.ts';
import type { SyncTools } from './sync-tools.ts';

/**
 * Removes what a deleted SyncTask left behind: at its source's server, and here. The source is still there: it is held until its
 * tasks are gone. Rejects when the server cannot be reached; the operator bounds for how long that is tried.
 */
export async function forgetSync(
  tools: SyncTools,
  assignment: SyncAssignment,
  sync: SyncTask,
  signal: AbortSignal,
): Promise<void> {
  if (sync.status?.started === undefined) return;
  try {
    await forget(tools, assignment, sync, signal);
  } catch (err) {
    if (!isNotFound(err)) throw err;
  }
}

async function forget(
  tools: SyncTools,
  assignment: SyncAssignment,
  sync: SyncTask,
  signal: AbortSignal,
): Promise<void> {
  const source = await tools.client.get(syncSources, assignment.namespace, sync.spec.source, signal);
  const { driver, config, folder } = await sourceOf(tools, assignment, { source }, signal);
  await driver.forget?.(config, assignment.uid, signal);
  // Of others that read the same source this is the index too: they begin anew, with a snapshot, rather than with an old one.
  if (!tools.sources.isHeld(driver.signature(config, assignment.uid)))
    await rm(folder, { recursive: true, force: true });
}
