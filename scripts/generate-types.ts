/** Writes kube/types/<kind>.ts from crds/*.yaml. Run by `make generate`; `make verify` fails when the result differs. */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { load } from 'js-yaml';
import { compile } from 'json-schema-to-typescript';
import type { JSONSchema } from 'json-schema-to-typescript';

interface Crd {
  spec: {
    names: { kind: string };
    versions: { name: string; storage: boolean; schema: { openAPIV3Schema: Record<string, unknown> } }[];
  };
}

/** Closes every object that neither keeps unknown fields nor is a map, as the API server prunes it. */
function toJsonSchema(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(toJsonSchema);
  if (typeof schema !== 'object' || schema === null) return schema;
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema)) {
    // Bounds of arrays would become tuple types; patterns and rules say nothing to TypeScript.
    if (key.startsWith('x-kubernetes-') || ['maxItems', 'minItems', 'default'].includes(key)) continue;
    out[key] = toJsonSchema(value);
  }
  const source = schema as Record<string, unknown>;
  if (source['type'] === 'object' && typeof source['properties'] === 'object' && !('additionalProperties' in source)) {
    out['additionalProperties'] = source['x-kubernetes-preserve-unknown-fields'] === true;
  }
  return out;
}

const root = join(import.meta.dirname, '..');
for (const file of readdirSync(join(root, 'crds')).filter((name) => name.endsWith('.yaml'))) {
  const crd = load(readFileSync(join(root, 'crds', file), 'utf8')) as Crd;
  const kind = crd.spec.names.kind;
  const version = crd.spec.versions.find(({ storage }) => storage);
  if (version === undefined) throw new Error(`crds/${file} has no storage version`);
  const { properties, ...schema } = toJsonSchema(version.schema.openAPIV3Schema) as {
    properties: Record<string, JSONSchema>;
  };
  const { metadata: _metadata, apiVersion: _apiVersion, kind: _kind, ...own } = properties;
  for (const [name, property] of Object.entries(own)) {
    property.title = `${kind}${name.charAt(0).toUpperCase()}${name.slice(1)}`;
  }
  const body = await compile({ ...schema, properties: own, title: `${kind}Body` }, `${kind}Body`, {
    bannerComment: '',
    additionalProperties: false,
    style: { singleQuote: true, printWidth: 120 },
  });
  const text = `// Generated from crds/${file} by \`make generate\`. Do not edit.
import type { KubeObject } from '../object.ts';

${body}
/** A ${kind} as the API server returns it. */
export type ${kind} = KubeObject & ${kind}Body;
`;
  writeFileSync(join(root, 'kube/types', `${kind.toLowerCase()}.ts`), text);
}
