import { isObject, parseDocuments } from './parse-documents.ts';

/**
 * The namespaces that the objects of a text name, each once; undefined is among them when an object names none. What is
 * no object, such as `Kind/Name` or a bare json patch, names nothing. Throws `K8sFailure` when the text cannot be parsed.
 */
export function namesOfNamespaces(text: string): Set<string | undefined> {
  return new Set(parseDocuments(text).flatMap(({ value }) => of(value)));
}

function of(value: unknown): (string | undefined)[] {
  if (!isObject(value)) return [];
  const { kind, items, metadata } = value;
  if (String(kind).endsWith('List') && Array.isArray(items)) return items.flatMap(of);
  const namespace = isObject(metadata) ? metadata['namespace'] : undefined;
  return [typeof namespace === 'string' && namespace !== '' ? namespace : undefined];
}
