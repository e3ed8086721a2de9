import type { RollbackSink, RollbackSummary } from '../../executor.ts';
import type { ReverseSpool } from './reverse-spool.ts';

/**
 * What the session of a rollback must have, whatever the server's defaults are: values are written as the log has them,
 * zero is no request for a new number, and a value that does not fit is an error.
 */
export const SCRIPT_SETTINGS: readonly string[] = [
  'SET NAMES utf8mb4',
  `SET SESSION sql_mode = 'STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'`,
  `SET SESSION time_zone = '+00:00'`,
];

/** The script's own word that it does not bring back every row as it was: a rollback of it must be forced. */
export const NOT_EXACT = 'SET @tiangong_rollback_exact = 0';

export interface ScriptHead {
  /** `task 4711 on mysql://…` */
  readonly title: string;
  readonly summary: RollbackSummary;
  /** What it leaves as it is. */
  readonly remarks: readonly string[];
}

/** Writes a script of what was kept, the last first. */
export async function writeScript(sink: RollbackSink, spool: ReverseSpool, head: ScriptHead): Promise<void> {
  const { title, summary, remarks } = head;
  const comments = [
    `Undoes ${title}: ${summary.statements} ${summary.statements === 1 ? 'statement' : 'statements'}, the newest change first.`,
    summary.exact ? 'Exact: every row becomes what it was.' : `Not exact: ${summary.message ?? 'see the task'}`,
    ...remarks,
  ].map((remark) => `-- ${remark.replaceAll(/\s+/g, ' ')}`);
  const settings = [...SCRIPT_SETTINGS, ...(summary.exact ? [] : [NOT_EXACT])].map((setting) => `${setting};`);
  await sink.write(Buffer.from(`${[...comments, ...settings].join('\n')}\n`));
  for await (const block of spool.readBackwards()) await sink.write(block);
}
