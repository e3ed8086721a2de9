/** A path below `/api/v1` or `/apis/<group>/<version>`, taken apart. */
export interface ResourcePath {
  readonly group: string;
  readonly version: string;
  readonly plural: string;
  /** Empty when the path names none. */
  readonly namespace: string;
  readonly name: string;
  readonly subresource: string;
}

/**
 * Reads the path of a resource, as kube-apiserver's RequestInfo does. Undefined for paths that name none. Throws
 * `URIError` for broken percent-encoding.
 */
export function parseResourcePath(path: string): ResourcePath | undefined {
  const parts = (path.includes('%') ? decodeURIComponent(path) : path).split('/');
  if (parts.at(-1) === '') parts.pop();
  // parts[0] is what stands before the first slash: nothing.
  let at: number;
  let group: string;
  if (parts[1] === 'api') {
    group = '';
    at = 2;
  } else if (parts[1] === 'apis') {
    group = parts[2] ?? '';
    at = 3;
  } else return undefined;
  const version = parts[at];
  const first = parts[at + 1];
  if (version === undefined || first === undefined) return undefined;
  // /namespaces/<name> and /namespaces/<name>/{status,finalize} are the namespace itself.
  const isScoped =
    first === 'namespaces' &&
    parts.length > at + 3 &&
    !(group === '' && parts.length === at + 4 && (parts[at + 3] === 'status' || parts[at + 3] === 'finalize'));
  const from = isScoped ? at + 3 : at + 1;
  return {
    group,
    version,
    namespace: isScoped ? (parts[at + 2] ?? '') : '',
    plural: parts[from] ?? '',
    name: parts[from + 1] ?? '',
    subresource: parts.slice(from + 2).join('/'),
  };
}
