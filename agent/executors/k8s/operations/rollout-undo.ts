import { isDeepStrictEqual } from 'node:util';
import { K8sFailure } from '../k8s-failure.ts';
import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { labelOf } from '../target.ts';
import type { ResourceKind, Target } from '../target.ts';
import { listObjects } from './list-objects.ts';
import { selectorOf } from './log-source.ts';
import type { Session } from './session.ts';

const REVISION = 'deployment.kubernetes.io/revision';
const TEMPLATE_HASH = 'pod-template-hash';

const kindOf = (plural: string, kind: string): ResourceKind => ({
  group: 'apps',
  version: 'v1',
  plural,
  kind,
  namespaced: true,
  singular: kind.toLowerCase(),
  shortNames: [],
});
/** Where a Deployment keeps its past, and where the others do. */
const REPLICA_SETS = kindOf('replicasets', 'ReplicaSet');
const REVISIONS = kindOf('controllerrevisions', 'ControllerRevision');

interface Revision {
  readonly number: number;
  readonly object: JsonObject;
}

/** Brings a workload back to its last revision but one, or to `params.revision`. Rejects as `ObjectCalls` does, or with `K8sFailure`. */
export async function undo(session: Session, subject: Target, live: JsonObject): Promise<JsonObject> {
  const { calls, params, context } = session;
  const isDeployment = subject.kind.kind === 'Deployment';
  const revisions = await history(session, subject, live, isDeployment);
  const latest = revisions.at(-1);
  const chosen =
    params.revision === undefined ? revisions.at(-2) : revisions.find(({ number }) => number === params.revision);
  if (chosen === undefined || latest === undefined) {
    const known = revisions.map(({ number }) => number).join(', ') || 'none';
    const what = params.revision === undefined ? 'revision before the current one' : `revision ${params.revision}`;
    throw new K8sFailure('NotFound', `resource not found: ${labelOf(subject)} has no ${what} (known: ${known})`);
  }
  void context.output.log('info', `Going back from revision ${latest.number} to ${chosen.number}`);
  // A ControllerRevision holds the very patch that makes it again.
  if (!isDeployment)
    return (await calls.patch(subject, 'application/strategic-merge-patch+json', chosen.object['data'])).object;
  const template = templateOf(chosen.object);
  if (isDeepStrictEqual(template, templateOf(live))) {
    void context.output.log('info', `The current template is that of revision ${chosen.number} already`);
    return live;
  }
  // With the version that was read: what somebody else rolls out meanwhile is not undone unseen.
  return (await calls.replace(subject, { ...live, spec: { ...(live['spec'] as JsonObject), template } })).object;
}

/** The revisions that belong to the object, the oldest first. */
async function history(
  session: Session,
  { namespace }: Target,
  live: JsonObject,
  isDeployment: boolean,
): Promise<Revision[]> {
  const kind = isDeployment ? REPLICA_SETS : REVISIONS;
  const uid = (live['metadata'] as JsonObject)['uid'];
  const revisions: Revision[] = [];
  for await (const object of listObjects(session, kind, namespace, { labelSelector: selectorOf(live) })) {
    const { ownerReferences, annotations } = object['metadata'] as JsonObject;
    const owners = Array.isArray(ownerReferences) ? ownerReferences.filter(isObject) : [];
    if (!owners.some((owner) => owner['uid'] === uid && owner['controller'] === true)) continue;
    const number = isDeployment ? Number(isObject(annotations) ? annotations[REVISION] : NaN) : object['revision'];
    if (typeof number === 'number' && Number.isFinite(number)) revisions.push({ number, object });
  }
  return revisions.sort((a, b) => a.number - b.number);
}

function templateOf({ spec }: JsonObject): JsonObject {
  const template = isObject(spec) && isObject(spec['template']) ? spec['template'] : {};
  const metadata = isObject(template['metadata']) ? template['metadata'] : {};
  const { [TEMPLATE_HASH]: _, ...labels } = isObject(metadata['labels']) ? metadata['labels'] : {};
  return { ...template, metadata: { ...metadata, labels } };
}
