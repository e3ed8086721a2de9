import { sleep } from '../../../../kube/backoff.ts';
import { failed } from '../../executor.ts';
import type { Outcome } from '../../executor.ts';
import { maskSecrets } from '../../database/mask-secrets.ts';
import { failureOf, K8sFailure } from '../k8s-failure.ts';
import type { K8sParams, WriteOperation } from '../k8s-params.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { waitGone } from '../readiness/wait-gone.ts';
import { waitReady } from '../readiness/wait-ready.ts';
import { secretValues } from '../show-object.ts';
import { apiVersionOf, labelOf, placeOf } from '../target.ts';
import type { Target } from '../target.ts';
import { apply } from './apply.ts';
import { create } from './create.ts';
import { remove } from './delete.ts';
import { patch } from './patch.ts';
import { planWrites } from './planned-write.ts';
import type { PlannedWrite } from './planned-write.ts';
import { ResultParts } from './result-parts.ts';
import type { Session } from './session.ts';
import { update } from './update.ts';

const DONE: Readonly<Record<WriteOperation, string>> = {
  create: 'created',
  update: 'updated',
  delete: 'deleted',
  patch: 'patched',
  apply: 'applied',
};
const KIND_POLL_MS = 200;
/** A server takes seconds to serve a new kind; one that takes longer has refused it, and its status says why. */
const KIND_DEADLINE_MS = 60_000;

/** An object that was written, as it was then. */
interface Written {
  readonly target: Target;
  readonly uid: string | undefined;
}

/**
 * Does a write operation for every document of a text, in order, up to the first that fails. All documents are read and
 * their kinds looked up before the first write.
 */
export async function writeManifests(session: Session, operation: WriteOperation, text: string): Promise<Outcome> {
  const { context, params } = session;
  void context.output.log('info', `Processing YAML with operation: ${operation}${params.dryRun ? ' (dry run)' : ''}`);
  const writes = await planWrites(session, text);
  const secrets = writes
    .filter(({ target }) => target.kind.kind === 'Secret')
    .flatMap(({ manifest, patch: change }) => secretValues(manifest.object, change));
  const results = new ResultParts(context.output);
  // What is waited for is shown when it is ready; a delete has nothing to show.
  const waits = params.wait === true && !params.dryRun;
  const written: Written[] = [];
  try {
    for (const [index, planned] of writes.entries()) {
      const number = `${index + 1}/${writes.length}`;
      void context.output.log('info', `Processing manifest ${number}`);
      context.evidence(`${operation} of ${placeOf(planned.target)}, manifest ${number}`);
      try {
        const object = await write(session, operation, planned, results);
        const target = { ...planned.target, name: nameOf(object) ?? planned.target.name };
        written.push({ target, uid: uidOf(object) });
        if (operation !== 'delete' && !waits) await results.object(object);
      } catch (err) {
        if (waits && operation !== 'delete') await showAsIs(session, written, results);
        throw numbered(err, index, writes, written, session.params);
      }
    }
    if (waits) await waitForAll(session, operation, written, results);
  } catch (err) {
    if (!(err instanceof K8sFailure)) throw err;
    return failed(err.reason, maskSecrets(err.message, secrets));
  }
  return { state: 'Succeeded', message: summary(operation, written, params.dryRun) };
}

async function write(
  session: Session,
  operation: WriteOperation,
  planned: PlannedWrite,
  results: ResultParts,
): Promise<JsonObject> {
  const { manifest, target, awaitsKind } = planned;
  if (awaitsKind) await kindServed(session, target);
  switch (operation) {
    case 'create':
      return logged(session, 'Created', await create(session, manifest, target));
    case 'update':
      return logged(session, 'Updated', await update(session, manifest, target));
    case 'patch':
      return logged(session, 'Patched', await patch(session, target, session.params.patchType, planned.patch));
    case 'apply':
      return await apply(session, manifest, target);
    case 'delete': {
      const uid = await remove(session, manifest, target);
      void session.context.output.log('info', `Deleted ${labelOf(target)}`);
      const dry = session.params.dryRun ? ' (dry run)' : '';
      await results.text(`Resource ${labelOf(target)} deleted successfully${dry}`);
      return { metadata: { name: target.name, ...(uid !== undefined && { uid }) } };
    }
  }
}

function logged({ context }: Session, done: string, object: JsonObject): JsonObject {
  void context.output.log('info', `${done} ${String(object['kind'])}/${nameOf(object) ?? ''}`);
  return object;
}

/** Waits until the server serves the kind that a CustomResourceDefinition of the same text brings. */
async function kindServed({ discovery, context, params }: Session, { kind }: Target): Promise<void> {
  const what = `kind "${kind.kind}" in version "${apiVersionOf(kind)}"`;
  if (params.dryRun) throw new K8sFailure('NoMatchForKind', `no matches for ${what}: a dry run defines no new kinds`);
  const deadline = performance.now() + KIND_DEADLINE_MS;
  for (;;) {
    try {
      if (await discovery.findByApiVersion(apiVersionOf(kind), kind.kind, context.signal)) return;
    } catch (err) {
      throw failureOf(err, 'read the kinds of the API server');
    }
    if (performance.now() > deadline)
      throw new K8sFailure('NoMatchForKind', `no matches for ${what} after its definition was written`);
    await sleep(KIND_POLL_MS, context.signal);
    context.signal.throwIfAborted();
  }
}

async function waitForAll(
  session: Session,
  operation: WriteOperation,
  written: readonly Written[],
  results: ResultParts,
): Promise<void> {
  for (const { target, uid } of written) {
    if (operation === 'delete') await waitGone(session, target, uid);
    else await results.object(await waitReady(session, target));
  }
}

/** What was written before a failure, as it is now: a caller shall see what was done. */
async function showAsIs({ calls, context }: Session, written: readonly Written[], results: ResultParts): Promise<void> {
  for (const { target } of written) {
    if (context.signal.aborted) return;
    const object = await calls.get(target).catch(() => undefined);
    if (object !== undefined) await results.object(object);
  }
}

/** With several documents the error says which one it was and what was done before. */
function numbered(
  err: unknown,
  index: number,
  writes: readonly PlannedWrite[],
  written: readonly Written[],
  { operation, dryRun }: K8sParams,
): unknown {
  if (writes.length === 1 || !(err instanceof K8sFailure)) return err;
  const names = written.slice(0, 10).map(({ target }) => labelOf(target));
  const more = written.length > names.length ? ` and ${written.length - names.length} more` : '';
  const before = `${DONE[operation as WriteOperation]} before: ${names.join(', ')}${more}`;
  const done = dryRun ? 'nothing was done (dry run)' : names.length === 0 ? 'nothing was done' : before;
  return new K8sFailure(err.reason, `failed to process manifest ${index + 1}: ${err.message}; ${done}`, {
    cause: err.cause,
  });
}

function summary(operation: WriteOperation, written: readonly Written[], dryRun: boolean): string {
  const [first] = written;
  const what = written.length === 1 && first !== undefined ? labelOf(first.target) : `${written.length} resources`;
  return `${what} ${DONE[operation]}${dryRun ? ' (dry run)' : ''}`;
}

function nameOf({ metadata }: JsonObject): string | undefined {
  return isObject(metadata) && typeof metadata['name'] === 'string' ? metadata['name'] : undefined;
}

function uidOf({ metadata }: JsonObject): string | undefined {
  return isObject(metadata) && typeof metadata['uid'] === 'string' ? metadata['uid'] : undefined;
}
