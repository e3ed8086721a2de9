import { RouteTable } from '../auth/route-table.ts';
import type { OpenApiDocument } from '../openapi.ts';

/** What a call is for, in the words of the audit trail. */
export interface CallName {
  /** The operation's name in the contract; `unknown` for what has none. */
  readonly action: string;
  /** What it is done to: `tasks/ID`, or `tasks` where the path names none. */
  readonly object: string;
}

/** Reads that are on record as changes are; for the needed fields an agent is given a task. */
const RECORDED_READS: ReadonlySet<string> = new Set(['listAudit', 'verifyAudit', 'readCredential', 'getNeededFields']);

/** What the contract does not have: routes of agents, and another path of one that it has. */
const BESIDE_THE_CONTRACT = {
  'GET /api/drivers/pushers/{id}/_actions/get_needed_fields': 'getNeededFields',
  'GET /internal/tasks/{uid}/secret': 'readCredential',
  'GET /internal/syncs/{uid}/secret': 'readCredential',
};

/** Finds out what calls are for. */
export class CallNames {
  readonly #table: RouteTable<string>;

  constructor(contract: OpenApiDocument) {
    const routes = Object.entries(contract.paths).flatMap(([path, item]) =>
      (['get', 'put', 'post', 'delete'] as const).flatMap((method) => {
        const operation = item[method]?.operationId;
        return operation === undefined ? [] : [[`${method.toUpperCase()} ${path}`, operation] as const];
      }),
    );
    this.#table = new RouteTable({ ...Object.fromEntries(routes), ...BESIDE_THE_CONTRACT });
  }

  /** `ref`: the Secret that the query names. */
  of(method: string, path: string, ref?: string): CallName {
    const route = this.#find(method, path);
    if (route === undefined) return { action: 'unknown', object: '' };
    const { value: action, params } = route;
    if (action === 'readCredential') return { action, object: `secrets/${ref ?? ''}` };
    return { action, object: objectOf(path, Object.values(params)) };
  }

  #find(method: string, path: string): ReturnType<RouteTable<string>['find']> {
    try {
      return this.#table.find(method, path);
    } catch (err) {
      if (err instanceof URIError) return undefined;
      throw err;
    }
  }
}

/** Whether a call is on record however it ends. What agents send of their tasks is not: it decides nothing. */
export const isRecorded = (method: string, path: string, { action }: CallName): boolean =>
  RECORDED_READS.has(action) || (!SAFE.has(method) && !path.startsWith('/internal/'));

const SAFE: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

const ACTIONS = '_actions';
/** Words that say what is done to the object before them. */
const VERBS: ReadonlySet<string> = new Set(['approve', 'cancel', 'distribute', 'rollback']);

/** The path without `/api/v1` or `/api`, and without what is done at its end, which `params`, as decoded, tell from a name. */
function objectOf(path: string, params: readonly string[]): string {
  const parts = path.split('/').filter((part) => part !== '');
  const own = parts.slice(parts[1] === 'v1' ? 2 : 1).map((part) => decodeURIComponent(part));
  // What is named stands before what is done to it.
  const named = own.indexOf(params[0] ?? '', 1);
  const isVerb = (part: string, index: number): boolean => index > named && (VERBS.has(part) || part === ACTIONS);
  const verb = own.findIndex(isVerb);
  return own.slice(0, verb === -1 ? undefined : verb).join('/');
}
