import type { ResourceDefinition } from '../resource-definition.ts';

/** What is served below one object. */
export interface Subresource {
  readonly name: string;
  readonly verbs: readonly string[];
}

const STATUS: Subresource = { name: 'status', verbs: ['get', 'patch', 'update'] };

const FINALIZE: Subresource = { name: 'finalize', verbs: ['update'] };

export function subresourcesOf(definition: ResourceDefinition): readonly Subresource[] {
  if (definition.storedAs === '/namespaces') return [FINALIZE, STATUS];
  return definition.hasStatus ? [STATUS] : [];
}
