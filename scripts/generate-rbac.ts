/** Writes the tables in docs/rbac.md from charts/tiangong/files/rbac.yaml and from the policies of the chart. Run by `make generate`. */
import { globSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { tableHead, tableRow, writeSections } from './generated-section.ts';
import { readRbacTable } from './rbac-table.ts';
import type { Right } from './rbac-table.ts';

const root = join(import.meta.dirname, '..');
const { components, delegates, people } = readRbacTable();

const code = (texts: readonly string[]): string => texts.map((text) => `\`${text}\``).join(', ');

const PLACES = {
  watched: 'each namespace that is looked after',
  home: 'home namespace',
  hold: 'each namespace of `scope.namespaces`',
  host: 'namespace of agents with host access',
  pods: 'home namespace, pods only',
};

const CONDITIONS = {
  hostAccess: 'with `agents.hostAccess.enabled`',
  policies: 'with `policies.create`',
  tasksServiceAccount: 'with `tasks.serviceAccount.create`',
};

function what({ group, resources, names = [], when }: Right): string {
  const plurals = code(resources.map((resource) => qualified(resource, group)));
  const named = names.length === 0 ? '' : ` named ${code(names)}`;
  return `${plurals}${named}${when === undefined ? '' : ` (${CONDITIONS[when]})`}`;
}

/** As kubectl takes it: `deploytasks.tiangong.io/status`. */
function qualified(resource: string, group: string): string {
  const [plural, ...subresource] = resource.split('/');
  return [group === '' ? plural : `${plural}.${group}`, ...subresource].join('/');
}

function componentTable(component: string): string[] {
  const rows = components
    .filter((role) => role.component === component)
    .flatMap(({ where, rules }) =>
      rules.map((right) => tableRow(PLACES[where], what(right), code(right.verbs), right.why)),
    );
  return [...tableHead('Where', 'What', 'Verbs', 'Why'), ...rows];
}

const ofComponents = [...new Set(components.map(({ component }) => component))].flatMap((component) => [
  `### ${component}`,
  '',
  ...componentTable(component),
  ...(delegates.includes(component)
    ? ['', 'And, on the whole cluster, `system:auth-delegator`: it asks who a caller is and what they may do.']
    : []),
  '',
]);

const ofPeople = people.flatMap(({ role, rules }) =>
  rules.map((right) => tableRow(`\`${role}\``, what(right), code(right.verbs), right.why)),
);

/** The comment that a policy begins with, and what it says when it refuses. */
function policyRows(file: string): string[] {
  const text = readFileSync(join(root, 'charts/tiangong/templates/policies', file), 'utf8');
  const about = /^# (.+)$/m.exec(text)?.[1] ?? '';
  const refusals = [...text.matchAll(/^ {6}message: (.+)$/gm)].map(([, message = '']) => message);
  return refusals.map((message, index) =>
    tableRow(index === 0 ? `\`${basename(file, '.yaml')}\`` : '', index === 0 ? about : '', message),
  );
}

const policies = globSync('*.yaml', { cwd: join(root, 'charts/tiangong/templates/policies') })
  .sort()
  .flatMap(policyRows);

writeSections(join(root, 'docs/rbac.md'), {
  components: ofComponents.slice(0, -1),
  people: [...tableHead('Role', 'What', 'Verbs', 'Why'), ...ofPeople],
  policies: [...tableHead('Policy', 'What it is about', 'What it refuses, in its words'), ...policies],
});
