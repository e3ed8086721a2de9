import { invalid, notSupported, required, tooMany } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { checkJsonPath } from '../table/json-path.ts';
import { deepEqual } from './correlation.ts';
import type { CrdNames, CrdVersion, CustomResourceDefinition } from './crd-object.ts';
import { validateCrdSchema } from './crd-schema-validation.ts';
import { dns1035LabelErrors, dnsSubdomainErrors } from './names.ts';

const COLUMN_TYPES = ['integer', 'number', 'string', 'boolean', 'date'];
const COLUMN_FORMATS = ['int32', 'int64', 'float', 'double', 'byte', 'date', 'date-time', 'password'];
/** How many fields of a kind selectors may name: the real server's bound. */
const MAX_SELECTABLE_FIELDS = 8;

/** Checks a CRD beside its metadata, with the texts of the real server (apiextensions/validation). */
export function validateCrd(crd: CustomResourceDefinition, old: CustomResourceDefinition | undefined): FieldError[] {
  const { spec, metadata } = crd as Partial<CustomResourceDefinition>;
  if (spec === undefined) return [required('spec.group'), required('spec.versions')];
  const names = spec.names as CrdNames | undefined;
  const errors: FieldError[] = [];
  if (metadata?.name !== `${names?.plural ?? ''}.${spec.group}`)
    errors.push(invalid('metadata.name', metadata?.name ?? '', 'must be spec.names.plural+"."+spec.group'));
  errors.push(
    ...groupErrors(spec.group),
    ...scopeErrors(spec.scope),
    ...namesErrors(names ?? { plural: '', kind: '' }),
  );
  if (spec.preserveUnknownFields === true)
    errors.push(invalid('spec.preserveUnknownFields', true, 'must be false in order to use defaults in the schema'));
  if (spec.conversion !== undefined && spec.conversion.strategy !== 'None')
    errors.push(invalid('spec.conversion.strategy', spec.conversion.strategy, 'only None is supported by this server'));
  const versions = (spec.versions as CrdVersion[] | undefined) ?? [];
  errors.push(...versionsErrors(versions));
  const shared = sharedParts(versions);
  versions.forEach((version, index) => errors.push(...versionErrors(version, index, shared)));
  if (old !== undefined) errors.push(...updateErrors(crd, old));
  else if (!versions.some(({ storage }) => storage))
    errors.push(invalid('status.storedVersions', [], 'must have at least one stored version'));
  return errors;
}

function groupErrors(group: string | undefined): FieldError[] {
  if (group === undefined || group === '') return [required('spec.group')];
  const errors = dnsSubdomainErrors(group);
  if (errors.length > 0) return [invalid('spec.group', group, errors.join(','))];
  return group.includes('.') ? [] : [invalid('spec.group', group, 'should be a domain with at least one dot')];
}

function scopeErrors(scope: string | undefined): FieldError[] {
  if (scope === undefined || scope === '') return [required('spec.scope')];
  return scope === 'Namespaced' || scope === 'Cluster'
    ? []
    : [notSupported('spec.scope', scope, ['Cluster', 'Namespaced'])];
}

function namesErrors(names: CrdNames): FieldError[] {
  const path = 'spec.names';
  const errors: FieldError[] = [];
  for (const name of ['plural', 'singular', 'kind', 'listKind'] as const)
    if ((names[name] ?? '') === '') errors.push(required(`${path}.${name}`));
  const label = (field: string, value: string): void => {
    const wrong = dns1035LabelErrors(value);
    if (wrong.length > 0) errors.push(invalid(field, value, wrong.join(',')));
  };
  label(`${path}.plural`, names.plural);
  if (names.singular !== undefined) label(`${path}.singular`, names.singular);
  for (const name of ['kind', 'listKind'] as const) {
    const value = names[name] ?? '';
    const wrong = dns1035LabelErrors(value.toLowerCase());
    const text = `may have mixed case, but should otherwise match: ${wrong.join(',')}`;
    if (wrong.length > 0) errors.push(invalid(`${path}.${name}`, value, text));
  }
  (names.shortNames ?? []).forEach((name, index) => {
    label(`${path}.shortNames[${index}]`, name);
  });
  (names.categories ?? []).forEach((name, index) => {
    label(`${path}.categories[${index}]`, name);
  });
  if (names.kind !== '' && names.kind === names.listKind)
    errors.push(invalid(`${path}.listKind`, names.listKind, 'kind and listKind may not be the same'));
  return errors;
}

function versionsErrors(versions: readonly CrdVersion[]): FieldError[] {
  const names = versions.map(({ name }) => name);
  const errors: FieldError[] = [];
  if (new Set(names).size < names.length)
    errors.push(invalid('spec.versions', names, 'must contain unique version names'));
  if (versions.filter(({ storage }) => storage).length !== 1)
    errors.push(invalid('spec.versions', versions, 'must have exactly one version marked as storage version'));
  return errors;
}

/** Which parts are the same in all versions. The real server takes such parts for the kind's and says so in paths. */
interface SharedParts {
  readonly schema: boolean;
  readonly columns: boolean;
  readonly fields: boolean;
}

function sharedParts(versions: readonly CrdVersion[]): SharedParts {
  const [first] = versions;
  const same = (name: 'schema' | 'additionalPrinterColumns' | 'selectableFields'): boolean =>
    versions.every((version) => deepEqual(version[name], first?.[name]));
  return { schema: same('schema'), columns: same('additionalPrinterColumns'), fields: same('selectableFields') };
}

function versionErrors(version: CrdVersion, index: number, shared: SharedParts): FieldError[] {
  const path = `spec.versions[${index}]`;
  const errors: FieldError[] = [];
  const wrong = dns1035LabelErrors(version.name);
  if (wrong.length > 0) errors.push(invalid(`${path}.name`, version.name, wrong.join(',')));
  const schema = version.schema?.openAPIV3Schema;
  if (schema === undefined) errors.push(required(`${path}.schema.openAPIV3Schema`, 'schemas are required'));
  // What all versions share is checked once.
  else if (!shared.schema) errors.push(...validateCrdSchema(schema, `${path}.schema.openAPIV3Schema`));
  else if (index === 0) errors.push(...validateCrdSchema(schema, 'spec.validation.openAPIV3Schema'));
  if (!shared.columns || index === 0) errors.push(...columnsErrors(version, shared.columns ? 'spec' : path));
  if (!shared.fields || index === 0) errors.push(...selectableErrors(version, shared.fields ? 'spec' : path));
  return errors;
}

function columnsErrors({ additionalPrinterColumns = [] }: CrdVersion, path: string): FieldError[] {
  return additionalPrinterColumns.flatMap((column, index) =>
    columnErrors(column, `${path}.additionalPrinterColumns[${index}]`),
  );
}

function selectableErrors({ selectableFields = [] }: CrdVersion, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (selectableFields.length > MAX_SELECTABLE_FIELDS)
    errors.push(tooMany(`${path}.selectableFields`, selectableFields.length, MAX_SELECTABLE_FIELDS));
  selectableFields.forEach(({ jsonPath }, index) => {
    const field = `${path}.selectableFields[${index}].jsonPath`;
    if ((jsonPath ?? '') === '') errors.push(required(field));
    else if (!/^(\.[A-Za-z_][\w-]*)+$/.test(jsonPath))
      errors.push(invalid(field, jsonPath, 'is an invalid path: does not refer to a valid field'));
  });
  return errors;
}

function columnErrors(column: NonNullable<CrdVersion['additionalPrinterColumns']>[number], path: string): FieldError[] {
  const errors: FieldError[] = [];
  if ((column.name ?? '') === '') errors.push(required(`${path}.name`));
  if ((column.type ?? '') === '') errors.push(required(`${path}.type`, `must be one of ${COLUMN_TYPES.join(',')}`));
  else if (!COLUMN_TYPES.includes(column.type))
    errors.push(invalid(`${path}.type`, column.type, `must be one of ${COLUMN_TYPES.join(',')}`));
  if ((column.format ?? '') !== '' && !COLUMN_FORMATS.includes(column.format ?? ''))
    errors.push(invalid(`${path}.format`, column.format, `must be one of ${COLUMN_FORMATS.join(',')}`));
  if ((column.jsonPath ?? '') === '') errors.push(required(`${path}.JSONPath`));
  else {
    const wrong = checkJsonPath(column.jsonPath);
    if (wrong !== undefined) errors.push(invalid(`${path}.JSONPath`, column.jsonPath, wrong));
  }
  return errors;
}

function updateErrors(crd: CustomResourceDefinition, old: CustomResourceDefinition): FieldError[] {
  const frozen = (field: string, value: unknown, before: unknown): FieldError[] =>
    value === before ? [] : [invalid(field, value ?? '', 'field is immutable')];
  return [
    ...frozen('spec.scope', crd.spec.scope, old.spec.scope),
    ...frozen('spec.names.kind', crd.spec.names.kind, old.spec.names.kind),
    ...frozen('spec.group', crd.spec.group, old.spec.group),
    ...frozen('spec.names.plural', crd.spec.names.plural, old.spec.names.plural),
  ];
}
