export interface TaskName {
  readonly namespace: string;
  readonly name: string;
}

const NAMESPACE = /^[a-z0-9](?:[-a-z0-9]{0,61}[a-z0-9])?$/;
/** Kubernetes does not bound the parts between the dots of a name. */
const PART = '[a-z0-9](?:[-a-z0-9]*[a-z0-9])?';
const NAME = new RegExp(`^${PART}(?:\\.${PART})*$`);
const MAX_NAME = 253;

/** A REST id is the CR's name in the home namespace, `<namespace>:<name>` elsewhere (design.md §3). Undefined: nothing's id. */
export function parseTaskId(id: string, homeNamespace: string): TaskName | undefined {
  const colon = id.indexOf(':');
  const namespace = colon < 0 ? homeNamespace : id.slice(0, colon);
  const name = id.slice(colon + 1);
  if (name.length > MAX_NAME || !NAME.test(name) || !NAMESPACE.test(namespace)) return undefined;
  return { namespace, name };
}

export function formatTaskId({ namespace, name }: TaskName, homeNamespace: string): string {
  return namespace === homeNamespace ? name : `${namespace}:${name}`;
}

/** Whether `name` can be the name of an Agent. */
export function isAgentName(name: string): boolean {
  return name.length <= 63 && NAME.test(name);
}
