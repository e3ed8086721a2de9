import { setImmediate } from 'node:timers/promises';
import type { ResourceDefinition } from '../resource-definition.ts';
import { keyRange } from '../storage/stored-object.ts';
import type { ApiContext } from '../verbs/api-context.ts';
import { deleteOne } from '../verbs/delete-verbs.ts';

/** So many objects are deleted before others get their turn. */
const SLICE = 250;

const BACKGROUND = {
  propagationPolicy: 'Background',
  uid: undefined,
  resourceVersion: undefined,
  dryRun: false,
  isOldStyleCascade: false,
} as const;

/**
 * Deletes all objects of a kind, in a namespace or in all (empty). Returns how many are still there because finalizers
 * hold them.
 */
export async function emptyRange(
  context: ApiContext,
  definition: ResourceDefinition,
  namespace: string,
): Promise<number> {
  const { store } = context;
  const range = keyRange(definition.storedAs, namespace);
  let left = 0;
  for (let { start } = range; ;) {
    const keys = store.list(start, range.end, store.revision, SLICE);
    const deletions = keys.map(async (listed) => {
      const { name, namespace: where = '' } = store.at(listed).object.metadata;
      const { waiting } = await deleteOne(context, definition, where, name, BACKGROUND);
      if (waiting !== undefined) left += 1;
    });
    for (const result of await Promise.allSettled(deletions))
      if (result.status === 'rejected' && (result.reason as { code?: number }).code !== 404) throw result.reason;
    const last = keys.at(-1);
    if (last === undefined || keys.length < SLICE) return left;
    start = `${last.key}\0`;
    await setImmediate();
  }
}
