import { dump } from 'js-yaml';
import { isObject } from './manifest/parse-documents.ts';
import type { JsonObject } from './manifest/parse-documents.ts';

const MASK = '***';
/** kubectl keeps the manifest here, a Secret's values among it. */
export const LAST_APPLIED = 'kubectl.kubernetes.io/last-applied-configuration';

/**
 * An object as it may stand in a result, which lands in a resource's status: a Secret's values are masked, always, and
 * managedFields are left out, as kubectl does. Items of lists alike.
 */
export function presentable(object: JsonObject): JsonObject {
  const { apiVersion, kind, metadata, items } = object;
  const isSecret = kind === 'Secret' && String(apiVersion) === 'v1';
  return {
    // In the manual's order; a server puts kind first in some answers.
    ...(apiVersion !== undefined && { apiVersion }),
    ...object,
    ...(isObject(metadata) && { metadata: presentableMetadata(metadata, isSecret) }),
    ...(isSecret && maskedValues(object)),
    ...(Array.isArray(items) && {
      // Servers leave out what the list says of all its items.
      items: items.map((item) =>
        isObject(item)
          ? presentable(kind === 'SecretList' ? { ...item, apiVersion, kind: 'Secret' } : item)
          : (item as unknown),
      ),
    }),
  };
}

export const asJson = (object: unknown): string => JSON.stringify(object, null, 2);

/** Never with references between its parts: other readers may not take them. */
export const asYaml = (object: unknown): string => dump(object, { noRefs: true, lineWidth: -1 });

function presentableMetadata(metadata: JsonObject, isSecret: boolean): JsonObject {
  const { managedFields: _, ...rest } = metadata;
  const { annotations } = rest;
  if (!isSecret || !isObject(annotations) || !Object.hasOwn(annotations, LAST_APPLIED)) return rest;
  return { ...rest, annotations: { ...annotations, [LAST_APPLIED]: MASK } };
}

function maskedValues(secret: JsonObject): JsonObject {
  const masked: JsonObject = {};
  for (const field of ['data', 'stringData']) {
    const values = secret[field];
    if (isObject(values)) masked[field] = Object.fromEntries(Object.keys(values).map((key) => [key, MASK]));
  }
  return masked;
}

/** The values of a Secret's manifest and of a patch of one, as they are and in Base64: for texts that must not hold them. */
export function secretValues(manifest: JsonObject, patch: unknown): string[] {
  const values = [...texts(manifest['data']), ...texts(manifest['stringData']), ...texts(patch)];
  const all = [...values, ...values.map((value) => Buffer.from(value, 'base64').toString())];
  // Shorter ones stand in every other word.
  return all.filter((value) => value.length >= 4);
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}
