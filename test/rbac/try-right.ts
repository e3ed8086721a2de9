import type { HttpTransport } from '../../kube/http-transport.ts';
import type { KubeRequest } from '../../kube/transport.ts';

/** What Kubernetes serves of resources: these verbs can be tried, others can only be asked for. */
export const SERVED_VERBS = [
  'create',
  'delete',
  'deletecollection',
  'get',
  'list',
  'patch',
  'update',
  'watch',
] as const;

/** Has a watch begin with what there is, and a bookmark after it. */
const INITIAL_EVENTS = 'sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true';

/** One thing that somebody may or may not do. */
export interface Attempt {
  readonly verb: string;
  readonly group: string;
  /** The plural; a subresource as `deploytasks/status`. */
  readonly resource: string;
  readonly namespace: string;
  /** An object that need not be there; `any` unless given. */
  readonly name?: string;
}

/**
 * Whether the API server lets the caller do it, by really trying: nothing is changed. Verbs and resources that Kubernetes
 * does not serve, such as approve and files, are asked for by a SelfSubjectAccessReview, as the API asks for its callers.
 */
export async function mayDo(caller: HttpTransport, attempt: Attempt): Promise<boolean> {
  const request = requestFor(attempt);
  if (request === undefined) return isAllowed(caller, attempt);
  const response = await caller.send(request);
  if (attempt.verb === 'watch' && response.status < 300) {
    const events = response.chunks()[Symbol.asyncIterator]();
    await events.next();
    await events.return?.();
    return true;
  }
  const text = await response.text();
  if (response.status === 401) throw new Error(`the caller is not known: ${text}`);
  // Policies refuse with 403, too, when RBAC has let the caller pass.
  return response.status !== 403 || !/ cannot \w+ resource /.test(text);
}

function requestFor({ verb, group, resource, namespace, name = 'any' }: Attempt): KubeRequest | undefined {
  const [plural = '', subresource] = resource.split('/');
  if (['files', 'auditrecords'].includes(plural) || subresource === 'log') return undefined;
  const root = group === '' ? '/api/v1' : `/apis/${group}/${group === 'tiangong.io' ? 'v1alpha1' : 'v1'}`;
  const collection = `${root}/namespaces/${namespace}/${plural}`;
  const object = `${collection}/${name}${subresource === undefined ? '' : `/${subresource}`}`;
  switch (verb) {
    case 'get':
      return { method: 'GET', path: object };
    case 'list':
      return { method: 'GET', path: `${collection}?limit=1` };
    case 'watch':
      return { method: 'GET', path: `${collection}?watch=true&timeoutSeconds=5&${INITIAL_EVENTS}` };
    case 'create':
      return { method: 'POST', path: `${subresource === undefined ? collection : object}?dryRun=All`, body: '{}' };
    case 'update':
      return { method: 'PUT', path: `${object}?dryRun=All`, body: '{}' };
    case 'patch':
      return { method: 'PATCH', path: `${object}?dryRun=All`, body: '{}', contentType: 'application/merge-patch+json' };
    case 'delete':
      return { method: 'DELETE', path: `${object}?dryRun=All` };
    case 'deletecollection':
      return { method: 'DELETE', path: `${collection}?dryRun=All` };
    default:
      return undefined;
  }
}

async function isAllowed(caller: HttpTransport, attempt: Attempt): Promise<boolean> {
  const { verb, group, resource, namespace, name = '' } = attempt;
  const [plural, subresource = ''] = resource.split('/');
  const resourceAttributes = { verb, group, resource: plural, subresource, namespace, name };
  const response = await caller.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectaccessreviews',
    body: JSON.stringify({ spec: { resourceAttributes } }),
  });
  const { status } = JSON.parse(await response.text()) as { status: { allowed: boolean } };
  return status.allowed;
}

/** Every right that the API server says the caller has in a namespace, as `verb group/resource` or `… name`. */
export async function rightsOf(caller: HttpTransport, namespace: string): Promise<string[]> {
  interface Rule {
    readonly verbs: string[];
    readonly apiGroups?: string[];
    readonly resources?: string[];
    readonly resourceNames?: string[];
  }
  const response = await caller.send({
    method: 'POST',
    path: '/apis/authorization.k8s.io/v1/selfsubjectrulesreviews',
    body: JSON.stringify({ spec: { namespace } }),
  });
  const { status } = JSON.parse(await response.text()) as { status: { resourceRules: Rule[] } };
  const texts = status.resourceRules.flatMap(({ verbs, apiGroups = [], resources = [], resourceNames = [''] }) =>
    verbs.flatMap((verb) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => resourceNames.map((name) => `${verb} ${group}/${resource} ${name}`.trim())),
      ),
    ),
  );
  return [...new Set(texts)].sort();
}
