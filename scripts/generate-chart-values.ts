/** Writes the chart's values.schema.json and the table of its README from values.yaml and the CRD of AgentPools. Run by `make generate`. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { format } from 'prettier';
import { isMap, readChartValues } from './chart-values.ts';
import type { ChartValue, JsonSchema } from './chart-values.ts';
import { tableHead, tableRow, writeSections } from './generated-section.ts';

interface Crd {
  spec: { versions: { schema: { openAPIV3Schema: { properties: { spec: JsonSchema } } } }[] };
}

const root = join(import.meta.dirname, '..');
const chart = join(root, 'charts/tiangong');

const anything: JsonSchema = { type: 'object', additionalProperties: true };
const strings: JsonSchema = { type: 'object', additionalProperties: { type: 'string' } };

/** Names that `# @schema` may refer to. What a pod may have is Kubernetes' to check. */
const definitions: JsonSchema = {
  objects: { type: 'array', items: anything },
  count: { type: 'integer', minimum: 0 },
  logLevel: { type: 'string', enum: ['trace', 'debug', 'info', 'warn', 'error', 'fatal'] },
  digest: { type: 'string', pattern: '^(sha256:[0-9a-f]{64})?$' },
  namespace: { type: 'string', pattern: '^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$' },
  // Not those that the chart gives objects: with others it would not find them again.
  labels: {
    ...strings,
    propertyNames: {
      not: {
        pattern: '^(helm\\.sh/chart|app\\.kubernetes\\.io/(name|instance|component|version|part-of|managed-by))$',
      },
    },
  },
  resources: {
    type: 'object',
    additionalProperties: false,
    properties: { requests: anything, limits: anything, claims: { type: 'array', items: anything } },
  },
  agentPool: poolSchema(),
};

function poolSchema(): JsonSchema {
  const crd = load(readFileSync(join(root, 'crds/agentpools.yaml'), 'utf8')) as Crd;
  return closed(crd.spec.versions[0]?.schema.openAPIV3Schema.properties.spec ?? {});
}

/** A schema of a CRD as one of JSON that knows no other keys. */
function closed(schema: JsonSchema): JsonSchema {
  const kept = Object.entries(schema).filter(([key]) => !key.startsWith('x-kubernetes-') && key !== 'format');
  const { properties, items, additionalProperties, ...rest } = Object.fromEntries(kept);
  const open = schema['x-kubernetes-preserve-unknown-fields'] === true;
  return {
    ...rest,
    ...(isMap(items) && { items: closed(items) }),
    ...(isMap(additionalProperties) && { additionalProperties: closed(additionalProperties) }),
    ...(isMap(properties) && {
      properties: Object.fromEntries(
        Object.entries(properties).map(([key, value]) => [key, closed(value as JsonSchema)]),
      ),
      additionalProperties: open,
    }),
  };
}

/** What a default tells of the values that may stand in its place. */
function inferred(value: unknown): JsonSchema {
  if (typeof value === 'boolean') return { type: 'boolean' };
  if (typeof value === 'number') return { type: 'integer' };
  if (typeof value === 'string') return { type: 'string' };
  return Array.isArray(value) ? { type: 'array', items: { type: 'string' } } : strings;
}

function schemaOf(values: readonly ChartValue[], depth = 0): JsonSchema {
  const keys = [...new Set(values.map(({ path }) => path[depth] ?? ''))];
  const properties = keys.map((key) => {
    const within = values.filter(({ path }) => path[depth] === key);
    const [value] = within;
    if (value?.path.length !== depth + 1) return [key, schemaOf(within, depth + 1)];
    const { description, schema, defaultValue } = value;
    return [
      key,
      {
        description: description.replaceAll('\n', ' '),
        ...('$ref' in schema ? {} : inferred(defaultValue)),
        ...schema,
      },
    ];
  });
  return { type: 'object', additionalProperties: false, properties: Object.fromEntries(properties) as JsonSchema };
}

const values = readChartValues(readFileSync(join(chart, 'values.yaml'), 'utf8'));
const { properties, ...rest } = schemaOf(values);
const schema = {
  $schema: 'http://json-schema.org/draft-07/schema#',
  ...rest,
  // Helm gives it to every chart that another one depends on.
  properties: { global: anything, ...(properties as JsonSchema) },
  $defs: definitions,
};
writeFileSync(
  join(chart, 'values.schema.json'),
  await format(JSON.stringify(schema), { parser: 'json', printWidth: 120 }),
);
writeSections(join(chart, 'README.md'), {
  values: [
    ...tableHead('value', 'default', 'meaning'),
    ...values.map(({ path, defaultValue, description }) =>
      tableRow(`\`${path.join('.')}\``, `\`${JSON.stringify(defaultValue)}\``, description),
    ),
  ],
});
