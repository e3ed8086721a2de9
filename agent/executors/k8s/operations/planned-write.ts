import { failureOf, K8sFailure } from '../k8s-failure.ts';
import { isObject, parseDocuments, unreadable } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { readManifests } from '../manifest/read-manifests.ts';
import type { Manifest } from '../manifest/read-manifests.ts';
import { apiVersionOf } from '../target.ts';
import type { ResourceKind, Target } from '../target.ts';
import { toSend } from './create.ts';
import { named, targetOf } from './session.ts';
import type { Session } from './session.ts';
import { isReference, subjectOf } from './subject.ts';

/** One write, decided before the first one is done. */
export interface PlannedWrite {
  readonly manifest: Manifest;
  readonly target: Target;
  /** Of a patch alone. */
  readonly patch: unknown;
  /** The server does not have the kind yet: a CustomResourceDefinition before it will bring it. */
  readonly awaitsKind: boolean;
}

/** Reads a task's text and finds out what each document is about. Throws `K8sFailure`; nothing is written. */
export async function planWrites(session: Session, text: string): Promise<PlannedWrite[]> {
  const { params } = session;
  if (params.operation === 'patch') {
    const bare = await planBarePatch(session, text);
    if (bare !== undefined) return [bare];
  }
  if (params.operation === 'delete' && isReference(session, text)) {
    const target = await subjectOf(session, text);
    const { kind, name, namespace } = target;
    const manifest = { apiVersion: apiVersionOf(kind), kind: kind.kind, name, namespace, object: {} };
    return [{ manifest, target, patch: undefined, awaitsKind: false }];
  }
  const manifests = readManifests(text);
  const defined = new Map<string, ResourceKind>();
  const planned: PlannedWrite[] = [];
  for (const [index, manifest] of manifests.entries()) {
    try {
      planned.push(await plan(session, manifest, defined));
    } catch (err) {
      if (manifests.length === 1 || !(err instanceof K8sFailure)) throw err;
      throw new K8sFailure(err.reason, `failed to process manifest ${index + 1}: ${err.message}; nothing was done`);
    }
    for (const kind of kindsOf(manifest.object)) defined.set(keyOf(kind), kind);
  }
  return planned;
}

async function plan(
  session: Session,
  manifest: Manifest,
  defined: ReadonlyMap<string, ResourceKind>,
): Promise<PlannedWrite> {
  const { operation } = session.params;
  const { apiVersion, kind } = manifest;
  const { known, coming } = await findKind(session, manifest, defined);
  const found = known ?? coming;
  if (found === undefined)
    throw new K8sFailure('NoMatchForKind', `no matches for kind "${kind}" in version "${apiVersion}"`);
  const target = targetOf(session, found, manifest);
  const patch = operation === 'patch' ? patchOf(session, manifest, target) : undefined;
  return { manifest, target: operation === 'create' ? target : named(target), patch, awaitsKind: known === undefined };
}

async function findKind(
  { discovery, context, params }: Session,
  { apiVersion, kind }: Manifest,
  defined: ReadonlyMap<string, ResourceKind>,
): Promise<{ known: ResourceKind | undefined; coming: ResourceKind | undefined }> {
  const isWriting = params.operation === 'create' || params.operation === 'apply';
  try {
    const known = await discovery.findByApiVersion(apiVersion, kind, context.signal);
    return { known, coming: isWriting ? defined.get(`${apiVersion} ${kind}`) : undefined };
  } catch (err) {
    throw failureOf(err, 'read the kinds of the API server');
  }
}

/** A patch whose document says nothing of the object: it is named by parameters. */
async function planBarePatch(session: Session, text: string): Promise<PlannedWrite | undefined> {
  const { params, discovery, context } = session;
  const documents = parseDocuments(text);
  const [first] = documents;
  if (first === undefined) return undefined;
  const isBare = Array.isArray(first.value) || (params.resource !== undefined && !isTyped(first.value));
  if (!isBare) return undefined;
  if (documents.length > 1) throw unreadable('a patch that names no object must stand alone');
  if (Array.isArray(first.value) !== (params.patchType === 'json'))
    throw new K8sFailure(
      'InvalidParams',
      params.patchType === 'json'
        ? 'a json patch must be an array of operations'
        : 'an array of operations needs params.patch_type json',
    );
  const { resource = '', name = '' } = nameOf(params.resource, params.name);
  if (resource === '' || name === '')
    throw new K8sFailure(
      'InvalidParams',
      'the patch names no object: set params.resource and params.name, or send apiVersion, kind, metadata and patch',
    );
  const kind = await discovery.byName(resource, params.apiVersion, context.signal).catch((err: unknown) => {
    throw failureOf(err, 'read the kinds of the API server');
  });
  const object: JsonObject = isObject(first.value) ? first.value : {};
  const manifest = { apiVersion: '', kind: kind.kind, name, namespace: undefined, object };
  return { manifest, target: targetOf(session, kind, manifest), patch: first.value, awaitsKind: false };
}

const isTyped = (value: unknown): boolean => isObject(value) && 'kind' in value && 'apiVersion' in value;

/** `params.resource` may be `Deployment/web` too. */
function nameOf(resource: string | undefined, name: string | undefined): { resource?: string; name?: string } {
  const [kind = '', ...rest] = (resource ?? '').split('/');
  return { resource: kind, name: name ?? rest.join('/') };
}

/** What is sent as the patch of a whole document. */
function patchOf({ params }: Session, manifest: Manifest, target: Target): unknown {
  if (params.patchType !== 'json') return toSend(manifest, target);
  const { patch, operations = patch } = manifest.object;
  if (Array.isArray(operations)) return operations;
  throw new K8sFailure(
    'InvalidManifest',
    'a json patch is an array of operations: send it alone with params.resource and params.name, or as the field patch beside apiVersion, kind and metadata',
  );
}

/** The kinds that a CustomResourceDefinition brings. */
function kindsOf(object: JsonObject): ResourceKind[] {
  const { kind, spec } = object;
  if (kind !== 'CustomResourceDefinition' || !isObject(spec) || !isObject(spec['names'])) return [];
  const { kind: name, plural, singular } = spec['names'];
  const versions = Array.isArray(spec['versions']) ? spec['versions'].filter(isObject) : [];
  return versions.map((version) => ({
    group: String(spec['group']),
    version: String(version['name']),
    kind: String(name),
    plural: String(plural),
    singular: typeof singular === 'string' ? singular : '',
    shortNames: [],
    namespaced: spec['scope'] === 'Namespaced',
  }));
}

const keyOf = ({ group, version, kind }: ResourceKind): string => `${group}/${version} ${kind}`;
