import { createHash } from 'node:crypto';
import type { ResourceDefinition } from '../resource-definition.ts';
import { groupsOf } from './group-versions.ts';
import type { Group, GroupVersion } from './group-versions.ts';
import { subresourcesOf } from './subresources.ts';

/** GET /api: the versions of the core group. */
export function apiVersions(definitions: readonly ResourceDefinition[]): object {
  const core = groupsOf(definitions).find(({ name }) => name === '');
  return {
    kind: 'APIVersions',
    versions: (core?.versions ?? []).map(({ version }) => version),
    serverAddressByClientCIDRs: [],
  };
}

/** GET /apis: the groups beside the core group. */
export function apiGroupList(definitions: readonly ResourceDefinition[]): object {
  const groups = groupsOf(definitions).filter(({ name }) => name !== '');
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups.map(groupBody) };
}

/** GET /apis/<group>; undefined when there is no such group. */
export function apiGroup(definitions: readonly ResourceDefinition[], name: string): object | undefined {
  const group = groupsOf(definitions).find((one) => one.name === name && name !== '');
  return group && { kind: 'APIGroup', apiVersion: 'v1', ...groupBody(group) };
}

/** GET /api/v1 and /apis/<group>/<version>; undefined when there is no such version. */
export function apiResourceList(
  definitions: readonly ResourceDefinition[],
  group: string,
  version: string,
): object | undefined {
  const found = groupsOf(definitions)
    .find(({ name }) => name === group)
    ?.versions.find((one) => one.version === version);
  return (
    found && {
      kind: 'APIResourceList',
      // The real server's list of the core group has none, so that the oldest clients take it for their own.
      ...(group !== '' && { apiVersion: 'v1' }),
      groupVersion: groupVersionText(found),
      resources: found.definitions.flatMap(resourcesOf),
    }
  );
}

const groupVersionText = ({ group, version }: Pick<GroupVersion, 'group' | 'version'>): string =>
  group === '' ? version : `${group}/${version}`;

function groupBody({ name, versions }: Group): object {
  const all = versions.map((one) => ({ groupVersion: groupVersionText(one), version: one.version }));
  return { name, versions: all, preferredVersion: all[0] };
}

function resourcesOf(definition: ResourceDefinition): object[] {
  const { plural, singular, namespaced, kind, shortNames, categories } = definition;
  const resource = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs: definition.verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(!definition.virtual && { storageVersionHash: storageVersionHash(definition) }),
  };
  const below = subresourcesOf(definition).map(({ name, verbs }) => ({
    name: `${plural}/${name}`,
    singularName: '',
    namespaced,
    kind,
    verbs,
  }));
  return [resource, ...below];
}

/** Tells clients when objects are stored in another form: eight bytes of a digest, as the real server has it. */
function storageVersionHash({ group, version, kind }: ResourceDefinition): string {
  return createHash('sha256').update(`${group}/${version}/${kind}`).digest().subarray(0, 8).toString('base64');
}
