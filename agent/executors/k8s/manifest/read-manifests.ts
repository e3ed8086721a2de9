import { K8sFailure } from '../k8s-failure.ts';
import { isObject, parseDocuments, unreadable } from './parse-documents.ts';
import type { JsonObject } from './parse-documents.ts';

/** One object of a manifest. */
export interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  /** Empty when the manifest leaves it to the server (`generateName`) or to a parameter. */
  readonly name: string;
  readonly namespace: string | undefined;
  /** The whole object. Never changed. */
  readonly object: JsonObject;
}

/** Lists may hold lists: kubectl itself makes none deeper than two. */
const MAX_LISTS = 8;
const MAX_OBJECTS = 1000;

/** Reads the objects of a text; Lists are taken apart. Throws `K8sFailure` when there is none or one that cannot be. */
export function readManifests(text: string): Manifest[] {
  const manifests = parseDocuments(text).flatMap(({ number, value }) => unfold(value, `document ${number}`, MAX_LISTS));
  if (manifests.length === 0) throw new K8sFailure('InvalidParams', 'k8s YAML or JSON content is required');
  if (manifests.length > MAX_OBJECTS)
    throw unreadable(`there are more than ${MAX_OBJECTS} objects; split them into several tasks`);
  return manifests;
}

function unfold(value: unknown, where: string, lists: number): Manifest[] {
  if (!isObject(value)) throw unreadable(`${where} is not an object`);
  const { apiVersion, kind, metadata = {}, items } = value;
  for (const [key, field] of [
    ['apiVersion', apiVersion],
    ['kind', kind],
  ] as const)
    if (typeof field !== 'string' || field === '') throw unreadable(`${where}: ${key} is required`);
  if (String(kind).endsWith('List') && Array.isArray(items)) {
    if (lists === 0) throw unreadable(`${where}: too many lists in one another`);
    return items.flatMap((item, index) =>
      unfold(typed(item, String(apiVersion), String(kind)), `${where}, item ${index + 1}`, lists - 1),
    );
  }
  if (!isObject(metadata)) throw unreadable(`${where}: metadata is not an object`);
  const text = (key: 'name' | 'namespace'): string => {
    const field = metadata[key] ?? '';
    if (typeof field !== 'string') throw unreadable(`${where}: metadata.${key} is not a string; quote it`);
    return field;
  };
  const namespace = text('namespace');
  return [
    {
      apiVersion: String(apiVersion),
      kind: String(kind),
      name: text('name'),
      namespace: namespace === '' ? undefined : namespace,
      object: value,
    },
  ];
}

/** Items of a ConfigMapList need not say that they are ConfigMaps. */
function typed(item: unknown, apiVersion: string, listKind: string): unknown {
  if (!isObject(item) || listKind === 'List') return item;
  return { apiVersion, kind: listKind.slice(0, -'List'.length), ...item };
}
