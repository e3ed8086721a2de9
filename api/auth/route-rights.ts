import { nameOfId } from '../configs/config-id.ts';
import { parseTaskId } from '../tasks/task-id.ts';
import type { Attributes } from './attributes.ts';

/** What a request asks for, as far as its route says. */
export interface RouteRequest {
  /** The parts of the path in braces. */
  readonly params: Readonly<Record<string, string>>;
  readonly homeNamespace: string;
}

/** What the caller must be allowed, all of it; nothing: to be known is enough. */
type Needs = (request: RouteRequest) => readonly Attributes[];

type Need = (request: RouteRequest) => Attributes;

/** The task of the path, in its own namespace. */
const task =
  (verb: string, subresource?: string): Need =>
  ({ params, homeNamespace }) => {
    const name = parseTaskId(params['id'] ?? '', homeNamespace);
    return {
      verb,
      resource: 'deploytasks',
      ...(subresource !== undefined && { subresource }),
      ...(name ?? { namespace: homeNamespace }),
    };
  };

/** A new task in the namespace of the task of the path, if there is one. */
const newTask: Need = (request) => ({
  verb: 'create',
  resource: 'deploytasks',
  namespace: parseTaskId(request.params['id'] ?? '', request.homeNamespace)?.namespace ?? request.homeNamespace,
});

/** Something of the home namespace: one object by name if the path has its id, else all of them. */
const home =
  (verb: string, resource: string, subresource?: string): Need =>
  ({ params: { id }, homeNamespace }) => ({
    verb,
    resource,
    ...(subresource !== undefined && { subresource }),
    namespace: homeNamespace,
    ...(id !== undefined && verb !== 'create' && { name: resource.startsWith('sync') ? nameOfId(id) : id }),
  });

/** As `home`, whatever the path's id is of. */
const all =
  (verb: string, resource: string): Need =>
  ({ homeNamespace }) => ({ verb, resource, namespace: homeNamespace });

const createTask = all('create', 'deploytasks');

const needs =
  (...all: readonly Need[]): Needs =>
  (request) =>
    all.map((need) => need(request));

/** Whoever is known may read what is the same everywhere. */
const KNOWN: Needs = () => [];

/** The handler asks itself, for each namespace: it shows what the caller may list. */
const BY_HANDLER: Needs = () => [];

const METRICS: Needs = () => [{ verb: 'get', path: '/metrics' }];

const endpoints = (word: 'sources' | 'pushers', resource: string): Record<string, Needs> => ({
  [`GET /api/configs/${word}`]: needs(home('list', resource)),
  [`GET /api/configs/${word}/{id}`]: needs(home('get', resource)),
  [`POST /api/configs/${word}/{id}`]: needs(home('create', resource)),
  [`PUT /api/configs/${word}/{id}`]: needs(home('update', resource)),
  [`DELETE /api/configs/${word}/{id}`]: needs(home('delete', resource)),
  [`POST /api/configs/${word}/{id}/_actions/enable`]: needs(home('update', resource)),
  [`POST /api/configs/${word}/{id}/_actions/disable`]: needs(home('update', resource)),
  [`POST /api/configs/${word}/_actions/cleanup`]: needs(home('delete', resource)),
});

/** Actions with saved configurations run as tasks; two roots have them. */
const savedActions = (root: 'configs' | 'drivers'): Record<string, Needs> => ({
  [`GET /api/${root}/sources/{id}/_actions/get_available_fields`]: needs(home('get', 'syncsources')),
  [`POST /api/${root}/sources/{id}/_actions/discover_and_cache_fields`]: needs(
    createTask,
    home('update', 'syncsources'),
  ),
  [`GET /api/${root}/pushers/{id}/_actions/get_needed_fields`]: needs(createTask, home('get', 'syncpushers')),
});

const applyChanges = needs(all('update', 'synctasks'));

/**
 * What each route asks the Kubernetes API for its caller. A route that has no line here is not served where callers are
 * asked who they are; docs/authentication.md shows the table.
 */
export const ROUTE_RIGHTS: Readonly<Record<string, Needs>> = {
  'POST /api/v1/tasks': needs(newTask),
  'GET /api/v1/tasks': BY_HANDLER,
  'GET /api/v1/tasks/{id}': needs(task('get')),
  'DELETE /api/v1/tasks/{id}': needs(task('delete')),
  'GET /api/v1/tasks/{id}/logs': needs(task('get', 'log')),
  'GET /api/v1/tasks/{id}/result': needs(task('get', 'log')),
  'POST /api/v1/tasks/{id}/cancel': needs(task('update')),
  'POST /api/v1/tasks/{id}/approve': needs(task('approve')),
  'GET /api/v1/tasks/{id}/rollback': needs(task('get', 'log')),
  'POST /api/v1/tasks/{id}/rollback': needs(newTask, task('get'), task('get', 'log')),

  'GET /api/v1/agents': needs(home('list', 'agents')),
  'GET /api/v1/agents/{id}': needs(home('get', 'agents')),
  'GET /api/v1/agents/{id}/status': needs(home('get', 'agents')),
  'PUT /api/v1/agents/{id}': needs(home('update', 'agents')),
  'DELETE /api/v1/agents/{id}': needs(home('delete', 'agents')),

  'POST /api/v1/files': needs(home('create', 'files')),
  'GET /api/v1/files': needs(home('list', 'files')),
  'GET /api/v1/files/{id}': needs(home('get', 'files')),
  'GET /api/v1/files/{id}/download': needs(home('get', 'files')),
  'DELETE /api/v1/files/{id}': needs(home('delete', 'files')),
  'POST /api/v1/files/{id}/distribute': needs(createTask, home('get', 'files')),

  'GET /api/v1/audit': needs(home('list', 'auditrecords')),
  'GET /api/v1/audit/verify': needs(home('list', 'auditrecords')),

  'GET /api/configs': needs(home('list', 'syncsources'), home('list', 'syncpushers'), home('list', 'synctasks')),
  ...endpoints('sources', 'syncsources'),
  ...endpoints('pushers', 'syncpushers'),
  ...savedActions('configs'),
  'POST /api/configs/pushers/{id}/_actions/test_connection': needs(createTask, home('get', 'syncpushers')),
  'POST /api/configs/pushers/{id}/_actions/check_privileges': needs(createTask, home('get', 'syncpushers')),
  'GET /api/configs/syncs': needs(home('list', 'synctasks')),
  'GET /api/configs/syncs/wizard': needs(home('list', 'syncsources'), home('list', 'syncpushers')),
  'GET /api/configs/syncs/{id}': needs(home('get', 'synctasks')),
  'POST /api/configs/syncs/{id}': needs(home('create', 'synctasks')),
  'PUT /api/configs/syncs/{id}': needs(home('update', 'synctasks')),
  'DELETE /api/configs/syncs/{id}': needs(home('delete', 'synctasks')),
  'POST /api/configs/syncs/{id}/_actions/enable': needs(home('update', 'synctasks')),
  'POST /api/configs/syncs/{id}/_actions/disable': needs(home('update', 'synctasks')),
  'POST /api/configs/syncs/_actions/load_fields_for_mapping': needs(
    createTask,
    all('get', 'syncsources'),
    all('get', 'syncpushers'),
  ),

  'GET /api/instances/status': needs(home('list', 'synctasks')),
  'GET /api/instances/buses': needs(home('list', 'synctasks')),
  'GET /api/instances/syncs': needs(home('list', 'synctasks')),
  'POST /api/instances/syncs/{id}/_actions/start': needs(home('update', 'synctasks')),
  'POST /api/instances/syncs/{id}/_actions/stop': needs(home('update', 'synctasks')),
  'POST /api/instances/_actions/apply_changes': applyChanges,
  'POST /api/instances/_actions/apply_all_pending_changes': applyChanges,

  'GET /api/drivers': KNOWN,
  'GET /api/drivers/{side}/{driver}/wizard': KNOWN,
  'POST /api/drivers/{side}/{driver}/_actions/{action}': needs(createTask),
  ...savedActions('drivers'),

  'GET /api/logs': needs(home('get', 'synctasks', 'log')),
  'GET /api/metrics': METRICS,
  'GET /metrics': METRICS,
};

/** What probes and readers of the documentation ask for: nobody has to say who they are. */
export const OPEN_ROUTES: ReadonlySet<string> = new Set([
  'GET /healthz',
  'GET /readyz',
  'GET /docs',
  'GET /openapi.json',
]);
