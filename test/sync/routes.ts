import type { IncomingHttpHeaders } from 'node:http';
import type { Answer, ConsumerCore } from './consumer-core.ts';
import { PATHS, consumerDocument } from './consumer-openapi.ts';
import type { CallKind } from './faults.ts';
import { fusionRoutes } from './fusion-routes.ts';

export interface Call {
  readonly body: unknown;
  readonly query: URLSearchParams;
  readonly headers: IncomingHttpHeaders;
}

export interface Route {
  readonly kind: Exclude<CallKind, 'message' | 'snapshot'> | 'push' | 'control';
  readonly answer: (core: ConsumerCore, call: Call) => Answer;
}

/** What a path does; undefined where there is none. */
export function routeOf(method: string, path: string): Route | undefined {
  return ROUTES.get(`${method} ${path}`);
}

const openapiRoutes: ReadonlyMap<string, Route> = new Map([
  [
    'GET /openapi.json',
    {
      kind: 'document',
      answer: ({ options }) => ({ status: 200, body: options.document ?? consumerDocument(options.rowSchema) }),
    },
  ],
  ...at('POST', PATHS.session, {
    kind: 'session',
    answer: (core, { body }) => core.openSession((body as { task_id?: unknown } | undefined)?.task_id),
  }),
  ...at('GET', PATHS.position, {
    kind: 'position',
    answer: (core, { query }) => core.position(query.get('session_id') ?? ''),
  }),
  ...at('POST', PATHS.heartbeat, {
    kind: 'heartbeat',
    answer: (core, { headers }) => core.heartbeat(String(headers['session-id'])),
  }),
  ...at('POST', PATHS.push, { kind: 'push', answer: (core, { body, headers }) => core.push(body, headers) }),
] satisfies [string, Route][]);

const controlRoutes: ReadonlyMap<string, Route> = new Map([
  [
    'POST /control',
    {
      kind: 'control',
      answer: (core, { body }) => {
        core.control(body ?? {});
        return { status: 200, body: {} };
      },
    },
  ],
  ['GET /control', { kind: 'control', answer: (core) => ({ status: 200, body: stateOf(core) }) }],
  [
    'GET /rows',
    {
      kind: 'control',
      answer: (core, { query }) => ({ status: 200, body: Object.fromEntries(core.sink.rows(query.get('task') ?? '')) }),
    },
  ],
  [
    'GET /pushes',
    {
      kind: 'control',
      answer: (core, { query }) => ({ status: 200, body: core.pushes.slice(Number(query.get('after') ?? 0)) }),
    },
  ],
] satisfies [string, Route][]);

const ROUTES: ReadonlyMap<string, Route> = new Map([...openapiRoutes, ...controlRoutes, ...fusionRoutes]);

/** What `GET /control` of a consumer's process tells. */
export interface ConsumerState {
  readonly tasks: Readonly<Record<string, { readonly position: number; readonly rows: number }>>;
  readonly counts: ConsumerCore['counts'];
  readonly violations: readonly string[];
  readonly faultsLeft: number;
}

function stateOf(core: ConsumerCore): ConsumerState {
  const tasks = [...core.sink.tasks].map(
    ([id, { position }]) => [id, { position, rows: core.sink.rows(id).size }] as const,
  );
  return {
    tasks: Object.fromEntries(tasks),
    counts: core.counts,
    violations: core.sink.violations,
    faultsLeft: core.faults.left,
  };
}

function at(method: string, paths: readonly string[], route: Route): [string, Route][] {
  return paths.map((path) => [`${method} ${path}`, route]);
}
