import type { KubeClient, MergePatch } from '../../kube/client.ts';
import { isConflict, isForbidden, isGone, isNotFound } from '../../kube/kube-error.ts';
import type { KubeObject } from '../../kube/object.ts';
import type { HeldKind } from './held-kinds.ts';

/** What became of the objects of one kind in one namespace, or in all. */
export interface ReleaseReport {
  readonly plural: string;
  /** Undefined: all. */
  readonly namespace: string | undefined;
  readonly released: number;
  /** Why it ended early; undefined when no object is held any more. */
  readonly failure: unknown;
}

export interface ReleaseOptions {
  readonly pageSize?: number;
  /** How often the whole is looked at again at most, for objects that changed or came meanwhile. */
  readonly passes?: number;
  /** What else is patched, by the same write; also of objects that are not held. */
  readonly alongside?: (object: KubeObject) => MergePatch | undefined;
}

const PAGE = 500;

/** Others may write the same objects at the same time; each time round fewer are left. */
const PASSES = 10;

/** As many writes at the same time as keep an API server busy without queueing on it. */
const PARALLEL = 16;

/**
 * Takes our finalizer off every object of a kind, each on the condition that it has not changed since it was read. Never
 * rejects: what could not be done is in the report. Ends when the signal aborts.
 */
export async function releaseHeld(
  client: KubeClient,
  { resource, finalizer }: HeldKind,
  namespace: string | undefined,
  signal: AbortSignal,
  { pageSize = PAGE, passes = PASSES, alongside = () => undefined }: ReleaseOptions = {},
): Promise<ReleaseReport> {
  const report = { plural: resource.plural, namespace, released: 0 };
  const isToWrite = (object: KubeObject): boolean =>
    (object.metadata.finalizers ?? []).includes(finalizer) || alongside(object) !== undefined;

  /** Resolves to whether the object is not held any more. */
  const release = async (object: KubeObject): Promise<boolean> => {
    const { metadata } = object;
    const left = (metadata.finalizers ?? []).filter((name) => name !== finalizer);
    const finalizers = left.length === 0 ? null : left;
    const patch = { ...alongside(object), metadata: { resourceVersion: metadata.resourceVersion, finalizers } };
    try {
      await client.patch(resource, metadata.namespace, metadata.name, patch, { signal });
      report.released += 1;
      return true;
    } catch (err) {
      if (isNotFound(err)) return true;
      if (isConflict(err)) return false;
      throw err;
    }
  };

  /** Resolves to whether no object was held, or all were released. */
  const pass = async (): Promise<boolean> => {
    let isDone = true;
    let position: string | undefined;
    do {
      const query = { limit: pageSize, signal, ...(position && { continue: position }) };
      const page = await client.list(resource, namespace, query);
      const held = (page.items ?? []).filter(isToWrite);
      for (let start = 0; start < held.length; start += PARALLEL) {
        const released = await Promise.all(held.slice(start, start + PARALLEL).map(release));
        isDone &&= !released.includes(false);
      }
      position = page.metadata.continue;
    } while (position);
    return isDone;
  };

  try {
    for (let count = 0; count < passes; count += 1) {
      signal.throwIfAborted();
      if (await pass().catch(again)) return { ...report, failure: undefined };
    }
    return { ...report, failure: new Error(`objects were changed at each of ${passes} tries`) };
  } catch (err) {
    // Nothing of a kind that the server does not know can be held.
    return { ...report, failure: isNotFound(err) ? undefined : err };
  }
}

/** The position of a page expired: from the start. */
function again(err: unknown): false {
  if (isGone(err)) return false;
  throw err;
}

/** What to tell of a failure: whose right is missing, or what went wrong. */
export function explainFailure({ plural, namespace, failure }: ReleaseReport): string {
  const where = namespace === undefined ? 'all namespaces' : `namespace ${namespace}`;
  const text = failure instanceof Error ? failure.message : String(failure);
  return isForbidden(failure)
    ? `no right to take finalizers off ${plural} in ${where}: ${text}`
    : `finalizers of ${plural} in ${where} could not all be taken off: ${text}`;
}
