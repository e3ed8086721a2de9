import { createHash } from 'node:crypto';
import type { ResourceDefinition } from '../resource-definition.ts';
import { groupsOf } from './group-versions.ts';
import type { Group } from './group-versions.ts';
import { subresourcesOf } from './subresources.ts';

/** A discovery document and the tag by which clients ask whether it is still the same. */
export interface AggregatedDiscovery {
  readonly body: string;
  /** Without quotes. */
  readonly etag: string;
  readonly contentType: string;
}

const V2 = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

/** Whether an Accept header asks for aggregated discovery before plain discovery. */
export function wantsAggregated(accept: string): boolean {
  for (const entry of accept.split(',')) {
    const parts = entry.split(';').map((part) => part.trim());
    const isJson = parts[0] === 'application/json' || parts[0] === 'application/*' || parts[0] === '*/*';
    if (!isJson) continue;
    if (!parts.some((part) => part.startsWith('as='))) return false;
    if (parts.includes('as=APIGroupDiscoveryList') && parts.includes('g=apidiscovery.k8s.io') && parts.includes('v=v2'))
      return true;
  }
  return false;
}

/** GET /api (`core`) or /apis with the Accept header of aggregated discovery: all that is served, in one document. */
export function aggregatedDiscovery(definitions: readonly ResourceDefinition[], core: boolean): AggregatedDiscovery {
  const groups = groupsOf(definitions).filter(({ name }) => (name === '') === core);
  const body = JSON.stringify({
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: groups.map(groupItem),
  });
  const etag = createHash('sha512').update(body).digest('hex').toUpperCase();
  return { body, etag, contentType: V2 };
}

function groupItem({ name, versions }: Group): object {
  return {
    metadata: name === '' ? {} : { name },
    versions: versions.map(({ version, definitions }) => ({
      version,
      resources: definitions.map(resourceItem),
      freshness: 'Current',
    })),
  };
}

function resourceItem(definition: ResourceDefinition): object {
  const { kind, shortNames, categories } = definition;
  // The real server leaves the group and version of built-in kinds to where they stand in the document.
  const { group, version } = definition.custom ? definition : { group: '', version: '' };
  const responseKind = { group, version, kind };
  const subresources = subresourcesOf(definition).map(({ name, verbs }) => ({
    subresource: name,
    responseKind,
    verbs,
  }));
  return {
    resource: definition.plural,
    responseKind,
    scope: definition.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: definition.singular,
    verbs: definition.verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && { subresources }),
  };
}
