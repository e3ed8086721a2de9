import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { deepEqual } from '../schema/correlation.ts';
import { badRequest } from '../status-error.ts';
import { getMember, isMembers, setMember } from './members.ts';
import type { Members } from './members.ts';
import { goTypeOf, patchNotDecodable } from './patch-error.ts';

/**
 * Lists of the built-in kinds that a strategic merge patch merges instead of replacing, by path: the member that
 * identifies an item, or nothing where items are scalars (`patchStrategy` and `patchMergeKey` of the Go types).
 */
const MERGED_LISTS: Readonly<Record<string, string>> = {
  'metadata.ownerReferences': 'uid',
  'metadata.finalizers': '',
  'status.conditions': 'type',
  secrets: 'name',
  imagePullSecrets: 'name',
};

const SET_ORDER = '$setElementOrder/';
const DELETE_ITEMS = '$deleteFromPrimitiveList/';

/**
 * Applies a strategic merge patch to an object of a built-in kind; `definition` is only there to say so. The object is
 * left as it is. Throws 400 when the patch is none.
 */
export function applyStrategicMergePatch(
  object: KubeObject,
  patch: unknown,
  definition: Pick<ResourceDefinition, 'custom'>,
): KubeObject {
  if (definition.custom) throw new Error('custom resources have no strategic merge patch');
  if (patch === null) return object;
  if (!isMembers(patch))
    throw patchNotDecodable(`json: cannot unmarshal ${goTypeOf(patch)} into Go value of type map[string]interface {}`);
  return mergeMembers(object as unknown as Members, patch, '') as unknown as KubeObject;
}

function mergeMembers(target: Members, patch: Members, path: string): Members {
  const directive = patch['$patch'];
  if (directive === 'delete') return {};
  if (directive === 'replace') return withoutDirectives(patch);
  if (directive !== undefined && directive !== 'merge')
    throw badRequest(`Unknown patch type: ${typeof directive === 'string' ? directive : JSON.stringify(directive)}`);
  const retained = retainedKeys(patch);
  const merged: Members = {};
  for (const name of Object.keys(target))
    if (retained === undefined || retained.has(name)) setMember(merged, name, target[name]);
  const names = new Set(
    Object.keys(patch).map((name) => name.replace(/^\$(?:setElementOrder|deleteFromPrimitiveList)\//, '')),
  );
  for (const name of names) {
    if (name.startsWith('$')) continue;
    mergeMember(merged, patch, name, path === '' ? name : `${path}.${name}`);
  }
  return merged;
}

function mergeMember(merged: Members, patch: Members, name: string, path: string): void {
  const value = getMember(patch, name);
  const before = getMember(merged, name);
  const key = MERGED_LISTS[path];
  if (value === null) Reflect.deleteProperty(merged, name);
  else if (key !== undefined && (value === undefined || Array.isArray(value)))
    setMember(merged, name, mergeList(asList(before), value ?? [], key, listDirectives(patch, name), path));
  else if (isMembers(value)) {
    if (value['$patch'] === 'delete') Reflect.deleteProperty(merged, name);
    else setMember(merged, name, isMembers(before) ? mergeMembers(before, value, path) : withoutDirectives(value));
  } else if (value !== undefined) setMember(merged, name, value);
}

const asList = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : []);

interface ListDirectives {
  readonly order: readonly unknown[] | undefined;
  readonly removed: readonly unknown[];
}

function listDirectives(patch: Members, name: string): ListDirectives {
  const order = patch[`${SET_ORDER}${name}`];
  return { order: Array.isArray(order) ? order : undefined, removed: asList(patch[`${DELETE_ITEMS}${name}`]) };
}

function retainedKeys(patch: Members): ReadonlySet<string> | undefined {
  const keys = patch['$retainKeys'];
  if (keys === undefined) return undefined;
  if (!Array.isArray(keys)) throw badRequest('$retainKeys must be a list of names');
  return new Set(keys as string[]);
}

function mergeList(
  target: readonly unknown[],
  patch: readonly unknown[],
  key: string,
  { order, removed }: ListDirectives,
  path: string,
): unknown[] {
  const replaces = patch.some((item) => isMembers(item) && item['$patch'] === 'replace');
  if (replaces)
    return patch.filter((item) => !(isMembers(item) && item['$patch'] === 'replace')).map(withoutDirectives);
  const merged = target.filter((item) => !removed.some((one) => deepEqual(one, item)));
  for (const item of patch) {
    if (key !== '' && (!isMembers(item) || item[key] === undefined))
      throw badRequest(`map: ${JSON.stringify(item)} does not contain declared merge key: ${key}`);
    const at = merged.findIndex((other) => sameItem(other, item, key));
    const isRemoval = isMembers(item) && item['$patch'] === 'delete';
    if (isRemoval) {
      if (at >= 0) merged.splice(at, 1);
    } else if (at < 0) merged.push(withoutDirectives(item));
    else if (isMembers(item)) merged[at] = mergeMembers(merged[at] as Members, item, `${path}[]`);
  }
  const isRemoval = (item: unknown): boolean => isMembers(item) && item['$patch'] === 'delete';
  return sorted(merged, order ?? patch.filter((item) => !isRemoval(item)), target, key);
}

function sameItem(a: unknown, b: unknown, key: string): boolean {
  if (key === '') return a === b;
  return isMembers(a) && isMembers(b) && a[key] === b[key];
}

/**
 * Items that the order names stand in that order. The others stand behind them, but for those that the target had
 * before one of them already (mergeSortedSlice in apimachinery/pkg/util/strategicpatch).
 */
function sorted(
  items: readonly unknown[],
  order: readonly unknown[],
  target: readonly unknown[],
  key: string,
): unknown[] {
  const rankOf = (item: unknown, among: readonly unknown[]): number =>
    among.findIndex((one) => sameItem(one, item, key));
  const named = items.filter((item) => rankOf(item, order) >= 0).sort((a, b) => rankOf(a, order) - rankOf(b, order));
  const others = items.filter((item) => rankOf(item, order) < 0);
  const result: unknown[] = [];
  while (named.length > 0 && others.length > 0) {
    const [mine, theirs] = [rankOf(named[0], target), rankOf(others[0], target)];
    const isTheirTurn = mine >= 0 && theirs >= 0 && theirs < mine;
    result.push((isTheirTurn ? others : named).shift());
  }
  return [...result, ...named, ...others];
}

/** What is new keeps none of the directives, nor members that a null takes away. */
function withoutDirectives(value: unknown): Members;
function withoutDirectives(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => withoutDirectives(item));
  if (!isMembers(value)) return value;
  const kept: Members = {};
  for (const name of Object.keys(value))
    if (!name.startsWith('$') && value[name] !== null) setMember(kept, name, withoutDirectives(value[name]));
  return kept;
}
