import type { JsonObject } from './json-schema.ts';
import { childOf } from './structural.ts';
import type { SchemaNode } from './structural.ts';

/** Sets absent fields that have a default and drops nulls that are not allowed, in place. */
export function applyDefaults(object: JsonObject, node: SchemaNode): void {
  dropNulls(object, node);
  if (node.hasDefaults) setDefaults(object, node);
}

/** A null where null is not allowed counts as absent, unless a default takes its place. */
function dropNulls(value: unknown, node: SchemaNode | undefined): void {
  if (typeof value !== 'object' || value === null || node === undefined) return;
  if (Array.isArray(value)) {
    if (node.items === undefined) return;
    for (const item of value) {
      if (typeof item !== 'object') return;
      dropNulls(item, node.items);
    }
    return;
  }
  const object = value as JsonObject;
  for (const name in object) {
    const member = object[name];
    if (typeof member !== 'object') continue;
    const child = childOf(node, name);
    if (child === undefined) continue;
    if (member !== null) dropNulls(member, child);
    else if (!child.nullable && child.default === undefined) delete object[name];
  }
}

function setDefaults(value: unknown, node: SchemaNode): void {
  if (typeof value !== 'object' || value === null || !node.hasDefaults) return;
  if (Array.isArray(value)) {
    const { items } = node;
    if (items === undefined) return;
    for (let index = 0; index < value.length; index += 1) {
      if (value[index] === null && !items.nullable && items.default !== undefined)
        value[index] = structuredClone(items.default);
      setDefaults(value[index], items);
    }
    return;
  }
  const object = value as JsonObject;
  for (const { name, node: child } of node.propertyList) {
    if (!child.hasDefaults) continue;
    const member = object[name];
    if (child.default !== undefined && (member === undefined || (member === null && !child.nullable)))
      object[name] = typeof child.default === 'object' ? structuredClone(child.default) : child.default;
    setDefaults(object[name], child);
  }
  const { additional } = node;
  if (additional?.hasDefaults !== true) return;
  for (const name in object) {
    if (node.properties.has(name)) continue;
    if (object[name] === null && !additional.nullable && additional.default !== undefined)
      object[name] = structuredClone(additional.default);
    setDefaults(object[name], additional);
  }
}
