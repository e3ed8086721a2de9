import type { KubeClient } from '../../../kube/client.ts';
import type { ResourceKind } from './target.ts';

/** Aggregated discovery: two calls for everything (Kubernetes 1.30; 1.26 as v2beta1). Older servers answer with a plain list. */
const ACCEPT = ['v2', 'v2beta1']
  .map((version) => `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`)
  .concat('application/json')
  .join(',');
const AT_ONCE = 8;

interface AggregatedList {
  readonly kind?: string;
  readonly items?: readonly {
    readonly metadata?: { readonly name?: string };
    readonly versions?: readonly {
      readonly version: string;
      readonly resources?: readonly {
        readonly resource: string;
        readonly responseKind?: { readonly kind?: string };
        readonly scope?: string;
        readonly singularResource?: string;
        readonly shortNames?: readonly string[];
      }[];
    }[];
  }[];
}

interface GroupList {
  readonly groups?: readonly { readonly name: string; readonly versions: readonly { readonly version: string }[] }[];
}

interface ResourceList {
  readonly resources?: readonly {
    readonly name: string;
    readonly singularName?: string;
    readonly namespaced: boolean;
    readonly kind: string;
    readonly shortNames?: readonly string[];
  }[];
}

/** All kinds of a server, in the order of its preference: the core group first, within a group the preferred version. */
export async function readKinds(client: KubeClient): Promise<ResourceKind[]> {
  const get = <T>(path: string): Promise<T> => client.raw<T>({ method: 'GET', path, accept: ACCEPT });
  const [core, groups] = await Promise.all([get<AggregatedList>('/api'), get<AggregatedList & GroupList>('/apis')]);
  const isAggregated = (list: AggregatedList): boolean => list.kind === 'APIGroupDiscoveryList';
  if (isAggregated(core) && isAggregated(groups)) return [...aggregated(core), ...aggregated(groups)];
  const versions = (groups.groups ?? []).flatMap(({ name, versions: served }) =>
    served.map(({ version }) => ({ group: name, version })),
  );
  const kinds: ResourceKind[] = [];
  const all = [{ group: '', version: 'v1' }, ...versions];
  for (let at = 0; at < all.length; at += AT_ONCE) {
    const some = all.slice(at, at + AT_ONCE).map((version) => readVersion(get, version));
    kinds.push(...(await Promise.all(some)).flat());
  }
  return kinds;
}

function aggregated({ items = [] }: AggregatedList): ResourceKind[] {
  return items.flatMap(({ metadata, versions = [] }) =>
    versions.flatMap(({ version, resources = [] }) =>
      resources.map(({ resource, responseKind, scope, singularResource, shortNames = [] }) => ({
        group: metadata?.name ?? '',
        version,
        plural: resource,
        kind: responseKind?.kind ?? '',
        namespaced: scope === 'Namespaced',
        singular: singularResource ?? '',
        shortNames,
      })),
    ),
  );
}

async function readVersion(
  get: <T>(path: string) => Promise<T>,
  { group, version }: { group: string; version: string },
): Promise<ResourceKind[]> {
  const path = group === '' ? `/api/${version}` : `/apis/${group}/${version}`;
  // One aggregated API that is down must not hide all others.
  const { resources = [] } = await get<ResourceList>(path).catch((err: unknown): ResourceList => {
    if (group === '') throw err;
    return {};
  });
  return resources
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, singularName, namespaced, kind, shortNames = [] }) => ({
      group,
      version,
      plural: name,
      kind,
      namespaced,
      singular: singularName === undefined || singularName === '' ? kind.toLowerCase() : singularName,
      shortNames,
    }));
}
