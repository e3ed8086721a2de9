import { cutText } from '../../../output/utf8.ts';
import { ExecutionTimeout } from '../../database/deadline.ts';
import { failed, TaskAborted } from '../../executor.ts';
import type { Outcome } from '../../executor.ts';
import { SpoolError } from '../../sql/row-spool.ts';
import type { SqlSource } from '../../sql/sql-source.ts';
import { SqlSourceError } from '../../sql/sql-source.ts';
import { SqlSyntaxError } from '../../sql/sql-syntax-error.ts';
import { rowCount } from '../../sql/text-table.ts';
import { shownSql } from '../script/order-lines.ts';
import { StatementStopped } from '../session/run-statement.ts';
import { isLoginRefused, networkText } from '../failure.ts';
import { isLost } from '../session/server-error.ts';
import { StatementFailed } from '../script/statement-error.ts';
import { ConnectFailed } from './direct-reads.ts';
import { InceptionFailure } from './inception-failure.ts';
import type { FailedStatement } from './inception-failure.ts';
import type { InceptionScript } from './inception-script.ts';
import { InceptionCommand } from './script-parts.ts';

/** How a text ended, and what is still to be written of it. */
export interface ScriptEnd {
  readonly outcome: Outcome;
  /** `fields`: undefined where the result lists the statement that failed. */
  readonly failure?: {
    readonly lines: readonly string[];
    readonly fields: Readonly<Record<string, unknown>> | undefined;
  };
}

const MAX_MESSAGE_BYTES = 4096;

/** `error`: what ended the text; undefined: nothing did. Undefined comes back when it is none that a text can cause. */
export function describeEnd(
  error: unknown,
  script: Pick<InceptionScript, 'ledger' | 'executed' | 'affected'>,
  { mask, source }: { readonly mask: (text: string) => string; readonly source: SqlSource },
): ScriptEnd | undefined {
  const { executed, affected, ledger } = script;
  if (error === undefined) {
    if (executed === 0)
      return { outcome: failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`) };
    const statements = executed === 1 ? 'statement' : 'statements';
    return { outcome: { state: 'Succeeded', message: `${executed} ${statements} executed, ${rowCount(affected)}` } };
  }
  const known = classify(error);
  if (known === undefined) return undefined;
  const { state, reason, statement, listed, text } = known;
  const message = cutText(mask(text), MAX_MESSAGE_BYTES);
  const fate = ledger.describe();
  const nothing = executed === 0 && fate === '' ? 'Nothing was executed.' : '';
  const sql = statement === undefined ? '' : shownSql(mask(statement.text));
  const lines = [
    statement === undefined ? `ERROR - ${message}` : `Statement ${statement.number}: ERROR - ${message}`,
    ...(sql === '' ? [] : [`SQL: ${sql}`]),
    ...[fate, nothing].filter((line) => line !== ''),
  ];
  return {
    outcome: { state, reason, message: `SQL execution failed: ${lines.join('\n')}` },
    failure: {
      lines: listed ? lines.slice(-1) : lines,
      fields: listed
        ? undefined
        : {
            ...(statement === undefined ? {} : { order_id: statement.number }),
            stage_status: state === 'Unknown' ? 'Unknown' : 'Execute failed',
            error_message: message,
          },
    },
  };
}

interface Classified {
  readonly state: 'Failed' | 'Unknown';
  readonly reason: string;
  readonly text: string;
  readonly statement?: FailedStatement;
  readonly listed: boolean;
}

function classify(error: unknown): Classified | undefined {
  if (error instanceof InceptionFailure)
    return { ...error.details, text: error.message, listed: error.details.listed ?? false };
  const plain = (reason: string, text = (error as Error).message): Classified => ({
    state: 'Failed',
    reason,
    text,
    listed: false,
  });
  if (error instanceof InceptionCommand) return { ...plain('InvalidSQL'), statement: error.statement };
  if (error instanceof ExecutionTimeout) return plain('TimeoutExceeded');
  if (error instanceof TaskAborted) return plain('Aborted');
  if (error instanceof SqlSourceError) return plain(error.reason);
  if (error instanceof SqlSyntaxError) return plain('InvalidSQL');
  if (error instanceof SpoolError) return plain('DiskFull');
  if (error instanceof ConnectFailed) {
    const reason = isLoginRefused(error.cause) ? 'AuthenticationFailed' : 'ConnectionFailed';
    return plain(reason, `connection failed: ${error.message}`);
  }
  if (error instanceof StatementFailed) {
    const { cause } = error;
    const stopped = cause instanceof StatementStopped ? cause.reason : undefined;
    const reason =
      stopped !== undefined
        ? stopped instanceof ExecutionTimeout
          ? 'TimeoutExceeded'
          : 'Aborted'
        : isLost(cause)
          ? 'ConnectionLost'
          : cause instanceof SpoolError
            ? 'DiskFull'
            : 'StatementFailed';
    return { ...plain(reason, networkText(cause)), statement: error.statement };
  }
  return undefined;
}
