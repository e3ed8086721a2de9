import type { Flavour, MysqlSession } from '../../../executors/mysql/session/session.ts';
import { invalid } from './failure.ts';

/** How a server keeps its log. */
export interface ServerFacts {
  readonly flavour: Flavour;
  /** Tells servers apart: the UUID; of MariaDB, which has none, the number. */
  readonly server: string;
  /** Positions are sets of GTIDs. */
  readonly hasGtids: boolean;
  /** By its name in lower case. */
  readonly variables: ReadonlyMap<string, string>;
}

const VARIABLES = [
  ...['log_bin', 'binlog_format', 'binlog_row_image', 'binlog_row_value_options', 'binlog_row_metadata'],
  ...['gtid_mode', 'server_uuid', 'server_uid', 'server_id', 'innodb_native_foreign_keys', 'binlog_order_commits'],
] as const;

/** Rejects as the session does. */
export async function readServerFacts(session: MysqlSession): Promise<ServerFacts> {
  const names = VARIABLES.map((name) => `'${name}'`).join(', ');
  const rows = await session.rows(`SHOW GLOBAL VARIABLES WHERE Variable_name IN (${names})`);
  const variables = new Map(
    rows.map((row) => [String(row['Variable_name']).toLowerCase(), row['Value'] ?? ''] as const),
  );
  const uuid = variables.get('server_uuid') ?? variables.get('server_uid');
  return {
    flavour: session.flavour,
    server: uuid === undefined || uuid === '' ? `server_id ${variables.get('server_id') ?? ''}` : uuid,
    hasGtids: session.flavour === 'mysql' && variables.get('gtid_mode') === 'ON',
    variables,
  };
}

/** What must be so for the log to have all rows whole, by variable. */
const REQUIRED: readonly (readonly [name: string, value: string])[] = [
  ['log_bin', 'ON'],
  ['binlog_format', 'ROW'],
  ['binlog_row_image', 'FULL'],
  ['binlog_row_value_options', ''],
];

/** The first variable that is not as it must be, or undefined. Old servers lack some, and do what is required. */
export function wrongVariable({ variables }: ServerFacts): { name: string; wanted: string; value: string } | undefined {
  for (const [name, wanted] of REQUIRED) {
    const value = variables.get(name);
    if (value !== undefined && value.toUpperCase() !== wanted) return { name, wanted, value };
  }
  return undefined;
}

/** Throws a `SourceError` when the log does not have all that changes. */
export function requireRowLog(facts: ServerFacts): void {
  const wrong = wrongVariable(facts);
  if (wrong !== undefined)
    throw invalid(
      `the server's ${wrong.name} is '${wrong.value}' and must be '${wrong.wanted}': its log does not have all changed rows whole`,
    );
}
