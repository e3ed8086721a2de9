import { statementKind } from '../text/statement-kind.ts';
import { InceptionFailure } from './inception-failure.ts';
import type { NumberedRow } from './number-rows.ts';
import { isKilled, rowFate } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';

/** These stay CHECKED when they have been done. */
const NEVER_EXECUTED: readonly string[] = ['use', 'set', 'show'];

/**
 * Whether goInception did what it was asked to; undefined: it did. Neither the highest level tells it (a backup on
 * MariaDB has a warning, a killed run an error in what succeeded) nor the status alone.
 */
export function judge(
  rows: readonly NumberedRow[],
  { checkOnly }: { checkOnly: boolean },
): InceptionFailure | undefined {
  const failedOnes = rows.filter(({ row }) => rowFate(row) === 'failed');
  const failure = failedOnes.find(({ row }) => row.error !== undefined) ?? failedOnes[0];
  if (failure !== undefined) return asFailure(failure, 'StatementFailed', failure.row.error ?? failure.row.status);
  const killed = rows.find(({ row }) => isKilled(row));
  if (killed !== undefined)
    return new InceptionFailure('goInception was told to end the run (kill)', {
      state: 'Failed',
      reason: 'Aborted',
      listed: true,
    });
  const refused = rows.find(({ row }) => rowFate(row) === 'refused');
  if (refused !== undefined) return asFailure(refused, refusalReason(refused.row), refused.row.error ?? 'refused');
  if (checkOnly) return undefined;
  const open = rows.find(({ row }) => rowFate(row) === 'notRun' && !NEVER_EXECUTED.includes(statementKind(row.sql)));
  if (open === undefined) return undefined;
  const warning = rows.find(({ row }) => row.errorLevel === 1 && rowFate(row) === 'notRun');
  return warning === undefined
    ? asFailure(open, 'StatementFailed', 'goInception did not execute it')
    : asFailure(warning, 'AuditFailed', `goInception stopped at a warning: ${warning.row.error ?? ''}`);
}

const asFailure = ({ number, row }: NumberedRow, reason: string, message: string): InceptionFailure =>
  new InceptionFailure(message, {
    state: 'Failed',
    reason,
    listed: true,
    // The start of the text stands for what was wrong with the connection; USE is mostly ours.
    ...(/^\s*(?:use\b|inception_magic|$)/i.test(row.sql) ? {} : { statement: { number, text: row.sql } }),
  });

function refusalReason({ error = '' }: InceptionRow): string {
  if (/Error 1045\b|Access denied/i.test(error)) return 'AuthenticationFailed';
  if (/dial tcp|i\/o timeout|connection refused|no such host/i.test(error)) return 'ConnectionFailed';
  return 'AuditFailed';
}
