import { FieldPath } from './field-path.ts';
import type { JsonObject } from './json-schema.ts';
import type { SchemaNode } from './structural.ts';

const META_FIELDS = new Set(['apiVersion', 'kind', 'metadata']);

/**
 * Drops what the schema does not know, in place, as apiextensions' pruning does. Returns the paths of the dropped fields
 * sorted, such as `spec.steps[0].foo`. `node` is a root: its type and metadata stay.
 */
export function prune(object: JsonObject, node: SchemaNode): string[] {
  const dropped: string[] = [];
  const path = new FieldPath();
  if (node.preserve) pruneBelow(object, node, path, dropped);
  else pruneValue(object, node, path, dropped);
  return dropped.length > 1 ? dropped.sort() : dropped;
}

function pruneValue(value: unknown, node: SchemaNode | undefined, path: FieldPath, dropped: string[]): void {
  if (typeof value !== 'object' || value === null) return;
  if (node?.preserve === true) {
    pruneBelow(value, node, path, dropped);
    return;
  }
  if (Array.isArray(value)) {
    if (node !== undefined && !canHoldFields(node.items)) return;
    for (let index = 0; index < value.length; index += 1) {
      path.push(index);
      pruneValue(value[index], node?.items, path, dropped);
      path.pop();
    }
    return;
  }
  const object = value as JsonObject;
  for (const name in object) {
    if (node?.embedded === true && META_FIELDS.has(name)) continue;
    const property = node?.properties.get(name);
    const child = property?.node ?? node?.additional;
    if (child !== undefined || node?.anyAdditional === true) {
      const member = object[name];
      if (typeof member !== 'object' || member === null) continue;
      path.push(property?.segment ?? `.${name}`);
      pruneValue(member, child, path, dropped);
      path.pop();
    } else {
      if (path.depth > 0 || !META_FIELDS.has(name)) dropped.push(path.text(`.${name}`));
      delete object[name];
    }
  }
}

/** Below a node that keeps unknown fields, known ones are still pruned by their own schema. */
function pruneBelow(value: object, node: SchemaNode, path: FieldPath, dropped: string[]): void {
  if (Array.isArray(value)) {
    for (let index = 0; index < value.length; index += 1) {
      const item: unknown = value[index];
      if (typeof item !== 'object' || item === null || node.items === undefined) continue;
      path.push(index);
      pruneBelow(item, node.items, path, dropped);
      path.pop();
    }
    return;
  }
  const object = value as JsonObject;
  for (const name in object) {
    if (node.embedded && META_FIELDS.has(name)) continue;
    const child = node.properties.get(name)?.node ?? node.additional;
    const member = object[name];
    if (child === undefined || typeof member !== 'object' || member === null) continue;
    path.push(`.${name}`);
    pruneValue(member, child, path, dropped);
    path.pop();
  }
}

/** Items that are scalars by their schema need no walk; wrong ones are refused by validation anyway. */
function canHoldFields(items: SchemaNode | undefined): boolean {
  const [type, ...more] = items?.types ?? [];
  return type === undefined || more.length > 0 || type === 'object' || type === 'array';
}
