import type { KubeObject } from '../../../kube/object.ts';
import { getMember, isMembers, setMember } from './members.ts';
import type { Members } from './members.ts';
import { goTypeOf, patchNotDecodable } from './patch-error.ts';

/**
 * Applies a JSON merge patch (RFC 7386). The object is left as it is; what the patch does not touch is shared with the
 * result. Throws 400 when the patch is no object.
 */
export function applyMergePatch(object: KubeObject, patch: unknown): KubeObject {
  if (patch === null) return object;
  if (!isMembers(patch))
    throw patchNotDecodable(`json: cannot unmarshal ${goTypeOf(patch)} into Go value of type map[string]interface {}`);
  return mergePatch(object, patch) as KubeObject;
}

/** MergePatch of RFC 7386, section 2. */
export function mergePatch(target: unknown, patch: unknown): unknown {
  if (!isMembers(patch)) return patch;
  const merged: Members = isMembers(target) ? { ...target } : {};
  for (const name of Object.keys(patch)) {
    const value = patch[name];
    if (value === null) Reflect.deleteProperty(merged, name);
    else setMember(merged, name, mergePatch(getMember(merged, name), value));
  }
  return merged;
}
