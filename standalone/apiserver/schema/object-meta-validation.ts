import type { KubeObject, ObjectMeta, OwnerReference } from '../../../kube/object.ts';
import { forbidden, invalid, required, tooLong } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { goQuote } from '../go-format.ts';
import { dnsLabelErrors, labelValueErrors, prefixErrors, qualifiedNameErrors } from './names.ts';
import type { NameCheck } from './names.ts';

/** All annotations of an object together, in bytes (etcd's limits are the reason). */
const MAX_ANNOTATIONS_BYTES = 256 * 1024;

/** Members that an update may not change. */
const IMMUTABLE = [
  'name',
  'namespace',
  'uid',
  'creationTimestamp',
  'deletionTimestamp',
  'deletionGracePeriodSeconds',
] as const;

/** Checks the metadata of an object to create, its name being made already. */
export function validateMetadata(
  object: KubeObject,
  namespaced: boolean,
  checkName: NameCheck,
  path = 'metadata',
): FieldError[] {
  const { metadata } = object;
  const errors: FieldError[] = [];
  if (metadata.generateName !== undefined)
    for (const text of prefixErrors(metadata.generateName, checkName))
      errors.push(invalid(`${path}.generateName`, metadata.generateName, text));
  if ((metadata.name ?? '') === '') errors.push(required(`${path}.name`, 'name or generateName is required'));
  else for (const text of checkName(metadata.name)) errors.push(invalid(`${path}.name`, metadata.name, text));
  if (!namespaced) {
    if (metadata.namespace !== undefined) errors.push(forbidden(`${path}.namespace`, 'not allowed on this type'));
  } else if (metadata.namespace === undefined) errors.push(required(`${path}.namespace`));
  else
    for (const text of dnsLabelErrors(metadata.namespace))
      errors.push(invalid(`${path}.namespace`, metadata.namespace, text));
  if ((metadata.generation ?? 0) < 0)
    errors.push(invalid(`${path}.generation`, metadata.generation, 'must be greater than or equal to 0'));
  addCommon(errors, metadata, undefined, path);
  if (metadata.finalizers !== undefined) addFinalizers(errors, metadata.finalizers, `${path}.finalizers`);
  return errors;
}

/** Checks the metadata of an update. Parts that are the very same as before were checked then. */
export function validateMetadataUpdate(object: KubeObject, old: KubeObject): FieldError[] {
  const { metadata } = object;
  const before = old.metadata;
  if (metadata === before) return [];
  const errors: FieldError[] = [];
  if (before.deletionTimestamp !== undefined) {
    const added = (metadata.finalizers ?? []).filter((name) => before.finalizers?.includes(name) !== true);
    if (added.length > 0) {
      const names = [...new Set(added)].sort().map(goQuote).join(', ');
      const text = `no new finalizers can be added if the object is being deleted, found new finalizers []string{${names}}`;
      errors.push(forbidden('metadata.finalizers', text));
    }
  }
  if ((metadata.resourceVersion ?? '') === '')
    errors.push(invalid('metadata.resourceVersion', '', 'must be specified for an update'));
  if ((metadata.generation ?? 0) < (before.generation ?? 0))
    errors.push(invalid('metadata.generation', metadata.generation ?? 0, 'must not be decremented'));
  for (const name of IMMUTABLE) {
    const value = (metadata as unknown as Record<string, unknown>)[name];
    if (value !== (before as unknown as Record<string, unknown>)[name])
      errors.push(invalid(`metadata.${name}`, value ?? absent(name), 'field is immutable'));
  }
  addCommon(errors, metadata, before, 'metadata');
  return errors;
}

/** What Go shows for a member that is not there. */
const absent = (name: string): unknown => (/Timestamp$|Seconds$/.test(name) ? null : '');

function addCommon(errors: FieldError[], metadata: ObjectMeta, before: ObjectMeta | undefined, path: string): void {
  const { labels, annotations, ownerReferences } = metadata;
  if (labels !== undefined && labels !== before?.labels)
    for (const [key, value] of Object.entries(labels)) {
      for (const text of qualifiedNameErrors(key)) errors.push(invalid(`${path}.labels`, key, text));
      for (const text of labelValueErrors(value)) errors.push(invalid(`${path}.labels`, value, text));
    }
  if (annotations !== undefined && annotations !== before?.annotations)
    addAnnotations(errors, annotations, `${path}.annotations`);
  if (ownerReferences !== undefined && ownerReferences !== before?.ownerReferences)
    addOwners(errors, ownerReferences, `${path}.ownerReferences`);
}

function addAnnotations(errors: FieldError[], annotations: Readonly<Record<string, string>>, path: string): void {
  let bytes = 0;
  for (const [key, value] of Object.entries(annotations)) {
    bytes += Buffer.byteLength(key) + Buffer.byteLength(value);
    for (const text of qualifiedNameErrors(key.toLowerCase())) errors.push(invalid(path, key, text));
  }
  if (bytes > MAX_ANNOTATIONS_BYTES) errors.push(tooLong(path, MAX_ANNOTATIONS_BYTES));
}

function addOwners(errors: FieldError[], owners: readonly OwnerReference[], path: string): void {
  let controller: string | undefined;
  for (const owner of owners) {
    const parts = owner.apiVersion.split('/');
    // What is no group and version at all has neither, in Go's parser.
    const [group, version] = parts.length === 2 ? parts : ['', parts.length === 1 ? owner.apiVersion : ''];
    if ((version ?? '') === '')
      errors.push(invalid(`${path}.apiVersion`, owner.apiVersion, 'version must not be empty'));
    for (const member of ['kind', 'name', 'uid'] as const)
      if (owner[member] === '') errors.push(invalid(`${path}.${member}`, '', 'must not be empty'));
    if (group === '' && version === 'v1' && owner.kind === 'Event')
      errors.push(invalid(path, owner, '/v1, Kind=Event is disallowed from being an owner'));
    if (owner.controller !== true) continue;
    const name = `${owner.kind}/${owner.name}`;
    if (controller === undefined) controller = name;
    else {
      const text = `Only one reference can have Controller set to true. Found "true" in references for ${controller} and ${name}`;
      errors.push(invalid(path, owners, text));
    }
  }
}

function addFinalizers(errors: FieldError[], finalizers: readonly string[], path: string): void {
  for (const name of finalizers) for (const text of qualifiedNameErrors(name)) errors.push(invalid(path, name, text));
  if (finalizers.includes('orphan') && finalizers.includes('foregroundDeletion'))
    errors.push(invalid(path, finalizers, 'finalizer orphan and foregroundDeletion cannot be both set'));
}
