import type { KubeObject } from '../../../kube/object.ts';
import { deepEqual } from '../schema/correlation.ts';
import { StatusError } from '../status-error.ts';
import { getMember, isMembers, setMember } from './members.ts';
import type { Members } from './members.ts';
import { goTypeOf, patchDoesNotApply, patchNotDecodable } from './patch-error.ts';

/** How many operations one patch may hold: the real server's bound. */
const MAX_OPERATIONS = 10_000;

interface Operation {
  readonly op: string;
  readonly path: string;
  readonly from?: string;
  readonly value?: unknown;
}

type Pointer = readonly string[];

/**
 * Applies a JSON patch (RFC 6902). The object is left as it is; what the patch does not touch is shared with the result.
 * Throws 400 when the patch is no list of operations and 422 when an operation does not apply or a `test` fails.
 *
 * As the real server's library has it, `replace` of an absent member adds it, and `test` of an absent member for null
 * holds.
 */
export function applyJsonPatch(object: KubeObject, patch: unknown): KubeObject {
  const operations = readOperations(patch);
  let root: unknown = object;
  for (const operation of operations) root = apply(root, operation);
  if (!isMembers(root)) throw patchDoesNotApply();
  return root as unknown as KubeObject;
}

function readOperations(patch: unknown): readonly Operation[] {
  if (patch === null) return [];
  if (!Array.isArray(patch))
    throw patchNotDecodable(`json: cannot unmarshal ${goTypeOf(patch)} into Go value of type []handlers.jsonPatchOp`);
  if (patch.length > MAX_OPERATIONS)
    throw new StatusError(
      413,
      'RequestEntityTooLarge',
      `Request entity too large: The allowed maximum operations in a JSON patch is ${MAX_OPERATIONS}, got ${patch.length}`,
    );
  for (const operation of patch)
    if (!isMembers(operation))
      throw patchNotDecodable(
        `json: cannot unmarshal ${goTypeOf(operation)} into Go value of type handlers.jsonPatchOp`,
      );
  return patch as Operation[];
}

function apply(root: unknown, operation: Operation): unknown {
  const path = readPointer(operation.path);
  switch (operation.op) {
    case 'add':
      return change(root, path, (container, key) => insert(container, key, valueOf(operation)));
    case 'replace':
      return change(root, path, (container, key) => replace(container, key, valueOf(operation)), valueOf(operation));
    case 'remove':
      return change(root, path, remove);
    case 'move': {
      const from = readPointer(operation.from);
      if (path.length > from.length && from.every((part, at) => path[at] === part)) throw patchDoesNotApply();
      const value = read(root, from);
      return change(change(root, from, remove), path, (container, key) => insert(container, key, value));
    }
    case 'copy': {
      const value = read(root, readPointer(operation.from)) ?? null;
      return change(root, path, (container, key) => insert(container, key, value));
    }
    case 'test':
      if (!deepEqual(read(root, path) ?? null, operation.value ?? null)) throw patchDoesNotApply();
      return root;
    default:
      throw patchDoesNotApply();
  }
}

function valueOf(operation: Operation): unknown {
  if (operation.value === undefined) throw patchDoesNotApply();
  return operation.value;
}

/** RFC 6901. */
function readPointer(text: unknown): Pointer {
  if (typeof text !== 'string' || (text !== '' && !text.startsWith('/'))) throw patchDoesNotApply();
  return text === ''
    ? []
    : text
        .slice(1)
        .split('/')
        .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
}

function read(root: unknown, path: Pointer): unknown {
  let value = root;
  path.forEach((key, depth) => {
    if (Array.isArray(value)) value = value[indexIn(key, value.length - 1)] as unknown;
    else if (isMembers(value)) value = getMember(value, key);
    else throw patchDoesNotApply();
    if (value === undefined && depth < path.length - 1) throw patchDoesNotApply();
  });
  return value;
}

type Container = Members | unknown[];

/** Copies the containers on the way to a place and changes the last one. */
function change(
  root: unknown,
  path: Pointer,
  edit: (container: Container, key: string) => void,
  whole?: unknown,
): unknown {
  const [key, ...rest] = path;
  if (key === undefined) {
    if (whole === undefined) throw patchDoesNotApply();
    return whole;
  }
  const copy = copyOf(root);
  if (rest.length === 0) {
    edit(copy, key);
    return copy;
  }
  if (Array.isArray(copy)) {
    const index = indexIn(key, copy.length - 1);
    copy[index] = change(copy[index], rest, edit, whole);
  } else setMember(copy, key, change(getMember(copy, key), rest, edit, whole));
  return copy;
}

function copyOf(value: unknown): Container {
  if (Array.isArray(value)) return [...(value as unknown[])];
  if (isMembers(value)) return { ...value };
  throw patchDoesNotApply();
}

function indexIn(key: string, max: number): number {
  if (!/^(0|[1-9]\d*|-[1-9]\d*)$/.test(key)) throw patchDoesNotApply();
  // The real server's library counts negative indices from the end.
  const index = key.startsWith('-') ? Number(key) + max + 1 : Number(key);
  if (index < 0 || index > max) throw patchDoesNotApply();

  return index;
}

function insert(container: Container, key: string, value: unknown): void {
  if (!Array.isArray(container)) setMember(container, key, value);
  else container.splice(key === '-' ? container.length : indexIn(key, container.length), 0, value);
}

function replace(container: Container, key: string, value: unknown): void {
  if (Array.isArray(container)) container[indexIn(key, container.length - 1)] = value;
  else setMember(container, key, value);
}

function remove(container: Container, key: string): void {
  if (Array.isArray(container)) container.splice(indexIn(key, container.length - 1), 1);
  else if (Object.hasOwn(container, key)) Reflect.deleteProperty(container, key);
  else throw patchDoesNotApply();
}
