import type { ResourceDefinition } from '../resource-definition.ts';

/** The kinds of one version of one group. */
export interface GroupVersion {
  /** Empty for the core group. */
  readonly group: string;
  readonly version: string;
  readonly definitions: readonly ResourceDefinition[];
}

/** The versions of one group, the preferred one first. */
export interface Group {
  readonly name: string;
  readonly versions: readonly GroupVersion[];
}

/** Sorts definitions into groups and versions: groups as they come, versions by their age, kinds by their plural. */
export function groupsOf(definitions: readonly ResourceDefinition[]): Group[] {
  const groups = Map.groupBy(definitions, ({ group }) => group);
  return [...groups].map(([name, members]) => {
    const versions = Map.groupBy(members, ({ version }) => version);
    return {
      name,
      versions: [...versions]
        .map(([version, kinds]) => ({
          group: name,
          version,
          definitions: [...kinds].sort((a, b) => (a.plural < b.plural ? -1 : 1)),
        }))
        .sort((a, b) => compareVersions(a.version, b.version)),
    };
  });
}

/**
 * Orders versions as Kubernetes prefers them (apimachinery/pkg/version): stable before beta before alpha, newer before
 * older, what is no such version last and by name.
 */
export function compareVersions(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)];
  for (let at = 0; at < left.length; at += 1) {
    const order = (right[at] ?? 0) - (left[at] ?? 0);
    if (order !== 0) return order;
  }
  return a < b ? -1 : a > b ? 1 : 0;
}

function rankOf(version: string): number[] {
  const match = /^v([1-9]\d*)(?:(alpha|beta)([1-9]\d*))?$/.exec(version);
  if (match === null) return [0, 0, 0];
  const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
  return [stage, Number(match[1]), Number(match[3] ?? 0)];
}
