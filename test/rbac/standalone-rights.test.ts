import { describe, expect, it } from 'vitest';
import { readRbacTable } from '../../scripts/rbac-table.ts';
import { PEOPLE } from '../../standalone/apiserver/auth/roles.ts';

interface Rule {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

/** Not there in `tiangong up`: nothing makes pods of pools, and no policy bounds what a person writes into a status. */
const ABSENT = ['agentpools', 'deploytasks/status'];

const rightsOf = (rules: readonly Rule[]): string[] => {
  const own = rules.filter(({ group }) => group === 'tiangong.io');
  const rights = own.flatMap(({ resources, verbs }) =>
    resources
      .filter((resource) => !ABSENT.includes(resource))
      .flatMap((resource) => verbs.map((verb) => `${verb} ${resource}`)),
  );
  return [...new Set(rights)].sort();
};

describe('the roles of people', () => {
  const { people } = readRbacTable();

  it.each(people.map(({ role }, index) => ({ role, index })))(
    'are the same in the chart and in tiangong up: $role',
    ({ role, index }) => {
      const ofChart = people.slice(0, index + 1).flatMap(({ rules }) => rules);
      expect(rightsOf(PEOPLE[role].rules)).toEqual(rightsOf(ofChart));
    },
  );
});
