import { mayBeSentTo } from '../../../connections/allowed-hosts.ts';
import type { Target } from '../../../connections/target.ts';
import { tlsAttempts } from '../../../executors/database/tls-attempts.ts';
import type { Credential } from '../../../executors/executor.ts';
import { readTlsParam } from '../tls-param.ts';
import { invalid } from './failure.ts';
import { TableFilter } from './table-filter.ts';

/** What a configuration asks for, checked. */
export interface MysqlSettings {
  readonly target: Target;
  readonly filter: TableFilter;
  /** Of the agent's own: written to before a chunk is read where there are no GTIDs. */
  readonly marker: { readonly schema: string; readonly table: string } | undefined;
}

export interface MysqlPlace {
  readonly uri: string | undefined;
  readonly credential: Credential | undefined;
  readonly driverParams: Readonly<Record<string, unknown>>;
}

const PORT = 3306;
const PLACE = /^(?:(?:mysql|mariadb):\/\/)?(?:\[([0-9a-f:.]+)\]|([^\s:/@[\]]+))(?::(\d{1,5}))?\/?$/i;

/** Throws a `SourceError` that says what is wrong. */
export function parseSettings({ uri = '', credential, driverParams }: MysqlPlace): MysqlSettings {
  const [, address, name, digits] = PLACE.exec(uri.trim()) ?? [];
  const host = address ?? name;
  const port = digits === undefined ? PORT : Number(digits);
  if (host === undefined || port < 1 || port > 65_535) throw invalid(`uri must be host:port, and is '${uri}'`);
  if (credential !== undefined && !mayBeSentTo(credential.allowedHosts, host, port))
    throw invalid(`the Secret with the login may not be sent to ${host}:${port}`);
  const user = credential?.data['user'];
  if (user === undefined || user === '') throw invalid('credential must have a user');
  const password = credential?.data['passwd'] ?? credential?.data['password'] ?? '';
  const target: Target = {
    ...{ host, port, user, password, database: '', key: '', label: `mysql://${host}:${port}` },
    ...{ apiKey: undefined, protocol: undefined, verifySsl: undefined, authSource: undefined },
    ...{ backup: undefined, ledger: false, secrets: password === '' ? [] : [password] },
    ...readTlsParam(driverParams['tls']),
  };
  const attempts = tlsAttempts(target);
  if (typeof attempts === 'string') throw invalid(attempts.replaceAll('target.', 'driver_params.tls.'));
  const marker = parseMarker(driverParams['marker_table']);
  const filter = new TableFilter({
    databases: names(driverParams, 'databases'),
    tables: names(driverParams, 'tables'),
    // It is written to by snapshots, and tells nobody anything.
    except: marker,
  });
  return { target, filter, marker };
}

function parseMarker(given: unknown): MysqlSettings['marker'] {
  if (given === undefined || given === null) return undefined;
  const at = typeof given === 'string' ? given.indexOf('.') : -1;
  if (typeof given !== 'string' || at < 1 || at === given.length - 1)
    throw invalid('driver_params.marker_table must be database.table');
  return { schema: given.slice(0, at), table: given.slice(at + 1) };
}

function names(params: Readonly<Record<string, unknown>>, key: string): readonly string[] | undefined {
  const given = params[key];
  if (given === undefined || given === null) return undefined;
  if (!Array.isArray(given) || given.some((name) => typeof name !== 'string' || name === ''))
    throw invalid(`driver_params.${key} must be a list of names`);
  return given.length === 0 ? undefined : (given as string[]);
}
