/**
 * Writes the tables in docs/reference/<kind>.md from crds/*.yaml. Run by `make generate`.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { tableHead, tableRow, writeSections } from './generated-section.ts';

interface Schema {
  type?: string;
  format?: string;
  description?: string;
  default?: unknown;
  enum?: unknown[];
  required?: string[];
  properties?: Record<string, Schema>;
  additionalProperties?: Schema;
  items?: Schema;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  maxProperties?: number;
  pattern?: string;
  'x-kubernetes-preserve-unknown-fields'?: boolean;
  'x-kubernetes-validations'?: { message: string; fieldPath?: string }[];
}

interface Column {
  name: string;
  jsonPath: string;
  priority?: number;
  description?: string;
}

interface Crd {
  spec: {
    names: { kind: string };
    versions: {
      name: string;
      storage: boolean;
      schema: { openAPIV3Schema: Schema };
      additionalPrinterColumns?: Column[];
      selectableFields?: { jsonPath: string }[];
    }[];
  };
}

const code = (text: string): string => `\`${text}\``;

function typeOf(schema: Schema): string {
  if (schema.type === 'array') return `${typeOf(schema.items ?? {})}[]`;
  if (schema.additionalProperties !== undefined) return `map of ${typeOf(schema.additionalProperties)}`;
  if (schema.format === 'date-time') return 'time';
  return schema.type ?? 'any';
}

const range = (from: number | undefined, to: number | undefined): string =>
  from === undefined ? `≤ ${String(to)}` : to === undefined ? `≥ ${from}` : `${from} … ${to}`;

/** What values a field takes, in words. */
function boundsOf(schema: Schema): string {
  const parts: string[] = [];
  if (schema.enum !== undefined) parts.push(schema.enum.map((value) => code(String(value))).join(', '));
  if (schema.default !== undefined) parts.push(`default ${code(JSON.stringify(schema.default))}`);
  if (schema.minimum !== undefined || schema.maximum !== undefined) parts.push(range(schema.minimum, schema.maximum));
  if (schema.pattern !== undefined) parts.push(code(schema.pattern));
  else if (schema.maxLength !== undefined && schema.enum === undefined && schema.format !== 'date-time') {
    parts.push(`${range(schema.minLength, schema.maxLength)} characters`);
  }
  if (schema.maxItems !== undefined) parts.push(`${range(schema.minItems, schema.maxItems)} items`);
  if (schema.maxProperties !== undefined) parts.push(`≤ ${schema.maxProperties} entries`);
  if (schema['x-kubernetes-preserve-unknown-fields'] === true) parts.push('unknown fields are kept');
  return parts.join('; ');
}

/** Fields that are in the schema so that a rule can refuse them; users never set them. */
const isRefused = (schema: Schema): boolean => schema.description === 'Declared only to be refused.';

function fieldRows(schema: Schema, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, field]) => {
    if (isRefused(field)) return [];
    const here = `${path}.${name}`;
    const required = schema.required?.includes(name) === true ? 'required' : '';
    const bounds = [required, boundsOf(field)].filter((part) => part !== '').join('; ');
    const nested = field.items ?? field;
    return [
      tableRow(code(here), typeOf(field), bounds, field.description ?? ''),
      ...fieldRows(nested, field.items === undefined ? here : `${here}[]`),
    ];
  });
}

const fieldTable = (schema: Schema, path: string): string[] => [
  ...tableHead('Field', 'Type', 'Values', 'Meaning'),
  ...fieldRows(schema, path),
];

function ruleRows(schema: Schema, path: string): string[] {
  const own = (schema['x-kubernetes-validations'] ?? []).map(({ message, fieldPath = '' }) =>
    tableRow(code(`${path}${fieldPath}` || '.'), message),
  );
  const nested = Object.entries(schema.properties ?? {}).flatMap(([name, field]) =>
    ruleRows(field.items ?? field, `${path}.${name}`),
  );
  return [...own, ...nested];
}

function columnTable(columns: Column[]): string[] {
  return [
    ...tableHead('Column', 'From', 'Meaning'),
    ...columns.map(({ name, jsonPath, priority = 0, description = '' }) =>
      tableRow(priority > 0 ? `${name} (wide)` : name, code(jsonPath), description),
    ),
  ];
}

function sectionsOf(crd: Crd): Record<string, string[]> {
  const version = crd.spec.versions.find(({ storage }) => storage);
  if (version === undefined) throw new Error(`${crd.spec.names.kind} has no storage version`);
  const schema = version.schema.openAPIV3Schema;
  const { spec = {}, status = {} } = schema.properties ?? {};
  return {
    spec: fieldTable(spec, 'spec'),
    status: fieldTable(status, 'status'),
    rules: [...tableHead('Field', 'What the API server answers'), ...ruleRows(schema, '')],
    columns: columnTable(version.additionalPrinterColumns ?? []),
    selectors: (version.selectableFields ?? []).map(({ jsonPath }) => `* ${code(jsonPath.slice(1))}`),
  };
}

const root = join(import.meta.dirname, '..');
for (const file of readdirSync(join(root, 'crds')).filter((name) => name.endsWith('.yaml'))) {
  const crd = load(readFileSync(join(root, 'crds', file), 'utf8')) as Crd;
  writeSections(join(root, 'docs/reference', `${crd.spec.names.kind.toLowerCase()}.md`), sectionsOf(crd));
}
