import type { KubeObject } from '../../../kube/object.ts';
import type { ResourceDefinition } from '../resource-definition.ts';
import { parseFieldSelector } from '../selectors/field-selector.ts';
import { parseLabelSelector } from '../selectors/label-selector.ts';

/** Which objects of a collection a list or watch is about. */
export interface Selection {
  /** Undefined: all of them. */
  readonly matches: ((object: KubeObject) => boolean) | undefined;
  /** A field that every selected object has this value in; watches are indexed by it. */
  readonly equals: { readonly path: string; readonly value: string } | undefined;
}

/** Reads the selectors of a query. Throws 400 as the real server words it. */
export function readSelection(query: URLSearchParams, definition: ResourceDefinition): Selection {
  const labels = query.get('labelSelector') ?? '';
  const fields = query.get('fieldSelector') ?? '';
  const byLabels = labels === '' ? undefined : parseLabelSelector(labels);
  const byFields = fields === '' ? undefined : parseFieldSelector(fields, definition);
  return { matches: both(byLabels, byFields), equals: equalsOf(fields) };
}

function both(
  byLabels: ((labels: Readonly<Record<string, string>>) => boolean) | undefined,
  byFields: ((object: KubeObject) => boolean) | undefined,
): Selection['matches'] {
  if (byLabels === undefined) return byFields;
  const labelsMatch = (object: KubeObject): boolean => byLabels(object.metadata.labels ?? {});
  return byFields === undefined ? labelsMatch : (object) => byFields(object) && labelsMatch(object);
}

/** The first plain `field=value` of a selector that was found to be valid. */
function equalsOf(selector: string): Selection['equals'] {
  // Values may hold escaped commas; such selectors are rare and go without an index.
  if (selector === '' || selector.includes('\\')) return undefined;
  for (const term of selector.split(',')) {
    const [, path, value] = /^([^=!]+)==?([^=!]*)$/.exec(term) ?? [];
    if (path !== undefined && value !== undefined && path !== 'metadata.namespace') return { path, value };
  }
  return undefined;
}
