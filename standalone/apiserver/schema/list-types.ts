import { duplicate, invalid } from '../field-error.ts';
import type { FieldError } from '../field-error.ts';
import { goJson } from '../go-format.ts';
import { FieldPath } from './field-path.ts';
import { isObject } from './json-schema.ts';
import type { JsonObject } from './json-schema.ts';
import type { SchemaNode } from './structural.ts';

/** Checks that lists of type set hold no value twice and lists of type map no key twice. */
export function validateListTypes(value: unknown, node: SchemaNode): FieldError[] {
  if (!node.hasUniqueLists) return [];
  const errors: FieldError[] = [];
  walk(value, node, new FieldPath(), errors);
  return errors;
}

function walk(value: unknown, node: SchemaNode, path: FieldPath, errors: FieldError[]): void {
  if (typeof value !== 'object' || value === null || !node.hasUniqueLists) return;
  if (Array.isArray(value)) {
    if (node.listType === 'set') addDuplicates(value, (at) => value[at] as unknown, path, errors);
    else if (node.listType === 'map') checkMap(value, node, path, errors);
    if (node.items?.hasUniqueLists === true)
      for (let index = 0; index < value.length; index += 1) {
        path.push(index);
        walk(value[index], node.items, path, errors);
        path.pop();
      }
    return;
  }
  const object = value as JsonObject;
  for (const name in object) {
    const property = node.properties.get(name);
    const child = property?.node ?? node.additional;
    if (child?.hasUniqueLists !== true) continue;
    path.push(property?.segment ?? `[${name}]`);
    walk(object[name], child, path, errors);
    path.pop();
  }
}

/** Whether every item has the one key, and no key comes twice: the usual case, without building anything to compare. */
function isPlainlyUnique(list: readonly unknown[], key: string): boolean {
  for (let index = 0; index < list.length; index += 1) {
    const item = list[index];
    const value = isObject(item) ? item[key] : undefined;
    if (typeof value !== 'string') return false;
    for (let before = 0; before < index; before += 1) if ((list[before] as JsonObject)[key] === value) return false;
  }
  return true;
}

/** Beyond this many items comparing each with each costs more than a map. */
const FEW = 32;

function checkMap(list: readonly unknown[], node: SchemaNode, path: FieldPath, errors: FieldError[]): void {
  const [only, ...more] = node.listMapKeys;
  if (only !== undefined && more.length === 0 && list.length <= FEW && isPlainlyUnique(list, only)) return;
  const odd = list.findIndex((item) => item !== null && !isObject(item));
  if (odd >= 0) {
    const field = path.text(`[${odd}]`);
    errors.push(invalid(field, list[odd], 'must be an object for an array of list-type map'));
    return;
  }
  const keys = list.map((item) =>
    Object.fromEntries(
      node.listMapKeys.filter((key) => isObject(item) && key in item).map((key) => [key, (item as never)[key]]),
    ),
  );
  addDuplicates(keys, (at) => keys[at], path, errors);
}

/** Only the second of its kind is reported, as the real server does. */
function addDuplicates(
  list: readonly unknown[],
  shown: (at: number) => unknown,
  path: FieldPath,
  errors: FieldError[],
): void {
  if (list.length <= 1) return;
  const seen = new Map<unknown, number>();
  list.forEach((item, index) => {
    const key = typeof item === 'object' && item !== null ? `json:${goJson(item)}` : item;
    const times = (seen.get(key) ?? 0) + 1;
    seen.set(key, times);
    if (times === 2) errors.push(duplicate(path.text(`[${index}]`), shown(index)));
  });
}
