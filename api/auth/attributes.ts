/** What somebody wants to do to objects of this product, in the words of RBAC. */
export interface ResourceAttributes {
  /** `get`, `list`, `create`, `update`, `delete` or, for tasks, `approve`. */
  readonly verb: string;
  /** The plural; also of what has no objects on the Kubernetes API: `files` and `auditrecords`. */
  readonly resource: string;
  readonly subresource?: string;
  /** Absent: all namespaces. */
  readonly namespace?: string;
  /** Absent: not about one object. */
  readonly name?: string;
}

/** A path that is no object. */
export interface PathAttributes {
  readonly verb: 'get';
  readonly path: string;
}

export type Attributes = ResourceAttributes | PathAttributes;

/** The API group of everything here. */
export const GROUP = 'tiangong.io';

/** Why somebody is refused, as RBAC words it. */
export function refusal(user: string, attributes: Attributes): string {
  const who = `User ${JSON.stringify(user)} cannot ${attributes.verb}`;
  if ('path' in attributes) return `${who} path "${attributes.path}"`;
  const { resource, subresource, namespace } = attributes;
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  const where = namespace === undefined ? 'at the cluster scope' : `in the namespace "${namespace}"`;
  return `${who} resource "${what}" in API group "${GROUP}" ${where}`;
}
