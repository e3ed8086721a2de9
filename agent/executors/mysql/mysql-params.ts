import { parseExecOptions } from '../database/exec-options.ts';
import type { ExecOptions } from '../database/exec-options.ts';

/** What a task of MySQL or Doris may say in `params` beside its target (manual §4.1), checked. */
export interface MysqlParams extends ExecOptions {
  /** `asked`: it must be possible. `default`: changes are backed up where that is possible. */
  readonly backup: 'asked' | 'default' | 'off';
  /** A marker row is written with each transaction. */
  readonly ledger: boolean;
  /** How many statements may run at once. */
  readonly concurrency: number;
  /** Nothing is executed: the review of the statements is the result. */
  readonly reviewOnly: boolean;
  /** The task that this one rolls back. */
  readonly rollbackOf: string | undefined;
  /** A rollback overwrites rows that have changed since, and is done also where it is not exact. */
  readonly force: boolean;
}

const MAX_CONCURRENCY = 64;

/** The text of why they cannot be, else the parameters. `ledger`: what counts when the task does not say. */
export function parseMysqlParams(
  params: Readonly<Record<string, unknown>>,
  defaults: Partial<ExecOptions> & { readonly ledger?: boolean } = {},
): MysqlParams | string {
  const options = parseExecOptions(params, defaults);
  if (typeof options === 'string') return options;
  const from = (params['exec_options'] ?? {}) as Readonly<Record<string, unknown>>;
  for (const [where, key] of [
    [from, 'backup'],
    [from, 'ledger'],
    [params, 'no_backup'],
    [params, 'force'],
  ] as const)
    if (!isOptional(where[key], 'boolean'))
      return `params.${where === from ? 'exec_options.' : ''}${key} must be true or false`;
  const concurrency = from['concurrency'] ?? 1;
  if (!Number.isInteger(concurrency) || (concurrency as number) < 1 || (concurrency as number) > MAX_CONCURRENCY)
    return `params.exec_options.concurrency must be a whole number from 1 to ${String(MAX_CONCURRENCY)}`;
  if (!isOptional(params['review'], 'string') || ![undefined, null, 'only'].includes(params['review'] as string))
    return 'params.review must be only';
  const rollbackOf = params['rollback_of'] ?? undefined;
  if (rollbackOf !== undefined && (typeof rollbackOf !== 'string' || rollbackOf === ''))
    return 'params.rollback_of must name a task';
  const asked = from['backup'];
  const checked: MysqlParams = {
    ...options,
    backup: asked === true ? 'asked' : asked === false || params['no_backup'] === true ? 'off' : 'default',
    ledger: (from['ledger'] as boolean | null | undefined) ?? defaults.ledger ?? false,
    concurrency: concurrency as number,
    reviewOnly: params['review'] === 'only',
    rollbackOf,
    force: params['force'] === true,
  };
  return clash(checked) ?? checked;
}

/** Statements that run side by side have no order, which a ledger, a backup and a rollback need. */
function clash({ concurrency, ledger, backup, rollbackOf }: MysqlParams): string | undefined {
  if (concurrency === 1) return undefined;
  const with_ = ledger
    ? 'a ledger'
    : backup === 'asked'
      ? 'exec_options.backup'
      : rollbackOf === undefined
        ? undefined
        : 'a rollback';
  return with_ === undefined ? undefined : `params.exec_options.concurrency must be 1 with ${with_}`;
}

const isOptional = (value: unknown, type: 'boolean' | 'string'): boolean =>
  value === undefined || value === null || typeof value === type;
