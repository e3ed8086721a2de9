import type { KubeObject } from '../../../kube/object.ts';
import { invalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import type { PrinterColumn, ResourceDefinition } from '../resource-definition.ts';
import * as statusError from '../status-error.ts';
import { RuleValidator } from './cel/rules.ts';
import { Correlation } from './correlation.ts';
import type { CustomResourceDefinition, CrdVersion } from './crd-object.ts';
import { prepareForCreate, prepareForUpdate } from './custom-strategy.ts';
import { applyDefaults } from './defaults.ts';
import { validateEmbedded } from './embedded-resource.ts';
import { isObject } from './json-schema.ts';
import type { JsonObject } from './json-schema.ts';
import { validateListTypes } from './list-types.ts';
import { dnsSubdomainErrors } from './names.ts';
import { MetadataError, normalizeMetadata } from './object-meta.ts';
import { validateMetadata, validateMetadataUpdate } from './object-meta-validation.ts';
import { prune } from './prune.ts';
import { compileRoot } from './structural.ts';
import type { SchemaNode } from './structural.ts';
import { validateValue } from './value-validation.ts';

/** What every custom resource can be asked for, in discovery's order. */
const VERBS = ['delete', 'deletecollection', 'get', 'list', 'patch', 'create', 'update', 'watch'];

const AGE: PrinterColumn = {
  name: 'Age',
  type: 'date',
  description:
    'CreationTimestamp is a timestamp representing the server time when this object was created. It is not guaranteed to be set in happens-before order across separate operations. Clients may not set this value. It is represented in RFC3339 form and is in UTC.\n\nPopulated by the system. Read-only. Null for lists. More info: https://git.k8s.io/community/contributors/devel/sig-architecture/api-conventions.md#metadata',
  jsonPath: '.metadata.creationTimestamp',
};

/** Errors after which rules are not run: they would fail on values of the wrong shape. */
const BLOCKING = new Set<FieldError['type']>([
  'FieldValueNotSupported',
  'FieldValueRequired',
  'FieldValueTooLong',
  'FieldValueTooMany',
  'FieldValueTypeInvalid',
]);
const RULES_NOT_RUN = invalid(
  '<nil>',
  null,
  'some validation rules were not checked because the object was invalid; correct the existing errors to complete validation',
);

/** The resources that a CRD adds, one for each served version. The CRD has been checked (`validateCrd`). */
export function definitionsFromCrd(object: KubeObject): ResourceDefinition[] {
  const crd = object as CustomResourceDefinition;
  return crd.spec.versions.filter(({ served }) => served).map((version) => definitionOf(crd, version));
}

function definitionOf(crd: CustomResourceDefinition, version: CrdVersion): ResourceDefinition {
  const { group, names, scope } = crd.spec;
  const schema = version.schema?.openAPIV3Schema ?? {};
  const root = compileRoot(schema);
  const rules = new RuleValidator(root);
  const namespaced = scope === 'Namespaced';
  const hasStatus = version.subresources?.status !== undefined;
  const columns = (version.additionalPrinterColumns ?? []) as readonly PrinterColumn[];
  const kind = { name: names.kind, apiVersion: `${group}/${version.name}` };
  return {
    group,
    version: version.name,
    plural: names.plural,
    singular: names.singular ?? names.kind.toLowerCase(),
    kind: names.kind,
    listKind: names.listKind ?? `${names.kind}List`,
    shortNames: names.shortNames ?? [],
    categories: names.categories ?? [],
    namespaced,
    hasStatus,
    virtual: false,
    custom: true,
    storedAs: `${group}/${names.plural}`,
    selectableFields: (version.selectableFields ?? []).map(({ jsonPath }) => jsonPath.replace(/^\./, '')),
    columns: columns.length === 0 ? [AGE] : columns,
    openapi: schema,
    verbs: VERBS,
    prune: (target) => pruneObject(target, root, kind.name, version.name),
    applyDefaults: (target) => {
      applyDefaults(target as unknown as JsonObject, root);
    },
    validate: (target, old, subresource) => {
      const errors = validateType(target, kind);
      if (errors.length === 0) {
        if (old === undefined) errors.push(...validateMetadata(target, namespaced, (name) => dnsSubdomainErrors(name)));
        else errors.push(...twice(validateMetadataUpdate(target, old)));
        errors.push(...validateSchema(target, old, root, subresource));
      }
      return [...errors, ...validateBeyond(target, old, root, rules, errors)];
    },
    prepareForCreate: (target) => {
      prepareForCreate(target, hasStatus);
      // A status that was dropped has its defaults all the same, as the real server adds them when it reads the object.
      applyDefaults(target as unknown as JsonObject, root);
    },
    prepareForUpdate: (target, old, subresource) => {
      prepareForUpdate(target, old, hasStatus, subresource);
    },
  };
}

function pruneObject(target: KubeObject, root: SchemaNode, kind: string, version: string): string[] {
  try {
    const unknown = normalizeMetadata(target as unknown as JsonObject, 'metadata');
    const dropped = prune(target as unknown as JsonObject, root);
    return unknown.length === 0 ? dropped : [...unknown, ...dropped];
  } catch (error) {
    if (!(error instanceof MetadataError)) throw error;
    throw statusError.badRequest(
      `${kind} in version ${JSON.stringify(version)} cannot be handled as a ${kind}: ${error.message}`,
    );
  }
}

function validateType(target: KubeObject, kind: { readonly name: string; readonly apiVersion: string }): FieldError[] {
  const errors: FieldError[] = [];
  if (target.kind !== kind.name) errors.push(invalid('kind', target.kind ?? '', `must be ${kind.name}`));
  if (target.apiVersion !== kind.apiVersion)
    errors.push(invalid('apiVersion', target.apiVersion ?? '', `must be ${kind.apiVersion}`));
  return errors;
}

/** The real server checks the metadata of an update both before and in the strategy, and reports both. */
const twice = (errors: FieldError[]): FieldError[] => (errors.length === 0 ? errors : [...errors, ...errors]);

function validateSchema(
  target: KubeObject,
  old: KubeObject | undefined,
  root: SchemaNode,
  subresource: 'status' | undefined,
): FieldError[] {
  const object = target as unknown as JsonObject;
  const before = old as unknown as JsonObject | undefined;
  const check = (correlation: Correlation | undefined): FieldError[] => {
    if (subresource !== 'status') return validateValue(object, root, correlation);
    const status = root.properties.get('status')?.node;
    if (status === undefined || !('status' in object)) return [];
    return validateValue(object['status'], status, correlation?.key('status'), 'status');
  };
  const errors = check(undefined);
  // Errors of what did not change are tolerated (KEP-4008); without errors there is nothing to look up.
  return errors.length === 0 || before === undefined ? errors : check(new Correlation(object, before, root));
}

function validateBeyond(
  target: KubeObject,
  old: KubeObject | undefined,
  root: SchemaNode,
  rules: RuleValidator,
  found: readonly FieldError[],
): FieldError[] {
  const object = target as unknown as JsonObject;
  const before = isObject(old) ? (old as unknown as JsonObject) : undefined;
  const errors = validateEmbedded(object, root);
  const lists = validateListTypes(object, root);
  if (lists.length > 0 && (before === undefined || validateListTypes(before, root).length === 0)) errors.push(...lists);
  const isBlocked = ({ type }: FieldError): boolean => BLOCKING.has(type);
  if (found.some(isBlocked) || errors.some(isBlocked)) errors.push(RULES_NOT_RUN);
  else errors.push(...rules.validate(object, before));
  return errors;
}
