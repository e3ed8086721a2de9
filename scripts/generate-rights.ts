/** Writes the table of what each route asks for into docs/authentication.md. Run by `make generate`. */
import { join } from 'node:path';
import { ROUTE_RIGHTS } from '../api/auth/route-rights.ts';
import { tableHead, tableRow, writeSections } from './generated-section.ts';

/** In the words of RBAC; what has no rights asks for a token alone, unless its handler asks. */
function rightsOf(route: string): string {
  if (route === 'GET /api/v1/tasks') return '`list deploytasks`, in each namespace: shows those where it is allowed';
  const needs = ROUTE_RIGHTS[route]?.({ params: { id: 'x' }, homeNamespace: 'home' }) ?? [];
  const texts = needs.map((need) =>
    'path' in need
      ? `\`${need.verb} ${need.path}\` (nonResourceURLs)`
      : `\`${need.verb} ${need.resource}${need.subresource === undefined ? '' : `/${need.subresource}`}\``,
  );
  return texts.length === 0 ? 'a token' : texts.join(', ');
}

const rows = Object.keys(ROUTE_RIGHTS).map((route) => tableRow(`\`${route}\``, rightsOf(route)));
writeSections(join(import.meta.dirname, '../docs/authentication.md'), {
  rights: [...tableHead('Request', 'Needs'), ...rows],
});
