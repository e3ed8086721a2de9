import { TaskFailure } from '../../../task-failure.ts';
import type { Target } from '../../../connections/target.ts';
import { ExecutionTimeout } from '../../database/deadline.ts';
import { maskSecrets } from '../../database/mask-secrets.ts';
import { failed, TaskAborted } from '../../executor.ts';
import type { ExecutionContext, Outcome } from '../../executor.ts';
import { ResultWriter } from '../../sql/result-writer.ts';
import { splitStatements } from '../../sql/split-statements.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import type { SqlSource } from '../../sql/sql-source.ts';
import type { MysqlParams } from '../mysql-params.ts';
import { spelled } from './option-comment.ts';
import { runOptions } from './run-options.ts';
import { DirectReads } from './direct-reads.ts';
import type { GoInceptionSettings } from './goinception-settings.ts';
import { InceptionReport } from './inception-report.ts';
import { InceptionScript } from './inception-script.ts';
import { RollbackScript } from './rollback-script.ts';
import { readAhead, scriptParts } from './script-parts.ts';
import { describeEnd } from './script-end.ts';
import { StatementReport } from '../script/statement-report.ts';

export interface GoInceptionRunOptions {
  readonly context: ExecutionContext;
  readonly target: Target;
  readonly params: MysqlParams;
  readonly settings: GoInceptionSettings;
  readonly source: SqlSource;
  /** Aborts with why the execution is to end, its deadline included. */
  readonly signal: AbortSignal;
  readonly spoolFolder: string;
  /** How long a server may take to end what it was asked to stop. */
  readonly graceMs: number;
}

/** Beside goInception's own, within the ten seconds in which an abort is heeded. */
const BACKUP_GRACE_MS = 2000;

/**
 * Executes a text by way of goInception, which audits it, executes it and writes the SQL that undoes it to its backup
 * server. Statements that only read go to the database itself, in their place among the others.
 */
export async function runGoInception(options: GoInceptionRunOptions): Promise<Outcome> {
  const { context, target, params, settings, source, signal, spoolFolder, graceMs } = options;
  const { output } = context;
  const impossible = refusal(options);
  if (impossible !== undefined) return impossible;
  // Also as they stand in what goInception is told, which it may quote.
  const secrets = [...target.secrets, ...target.secrets.map(spelled)];
  const mask = (text: string): string => maskSecrets(text, secrets);
  const writer = new ResultWriter(output, params.resultFormat, { separator: '\n\n', spoolFolder });
  const report = new InceptionReport({ writer, output, format: params.resultFormat, mask });
  const direct = new StatementReport({ writer, output, format: params.resultFormat, mask });
  const reads = new DirectReads({ target, report: direct, signal, graceMs });
  const rollback = new RollbackScript({
    ...{ settings: settings.backup, spoolFolder, wanted: params.backup !== 'off' },
    // goInception has had its own.
    ...{ signal, graceMs: Math.min(graceMs, BACKUP_GRACE_MS) },
  });
  try {
    await output.log(
      'info',
      `Executing ${source.file ?? 'the command'} on ${target.label} by goInception ${settings.host}:${settings.port}`,
    );
    const audit = await runOptions({ context, target, params, flavour: async () => (await reads.session()).flavour });
    const script = new InceptionScript({ ...options, audit, report, reads, rollback });
    let error: unknown;
    try {
      await runParts(script, splitStatements(source.pieces, 'mysql'), target.database);
      signal.throwIfAborted();
    } catch (err) {
      error = err;
    }
    const end = describeEnd(error, script, { mask, source });
    if (end === undefined) throw error;
    if (end.failure !== undefined) await report.failure(end.failure.lines, end.failure.fields);
    if (script.executed > 0 || script.ledger.has('unknown')) await rollback.finish(context, mask);
    await report.end({
      success: end.outcome.state === 'Succeeded',
      committed: script.ledger.ranges('committed'),
      rolled_back: script.ledger.ranges('rolledBack'),
      unknown: script.ledger.ranges('unknown'),
    });
    return end.outcome;
  } catch (err) {
    if (err instanceof TaskFailure) return failed(err.reason, err.message);
    if (err instanceof ExecutionTimeout) return failed('TimeoutExceeded', err.message);
    if (err instanceof TaskAborted) return failed('Aborted', err.message);
    throw err;
  } finally {
    await reads.end();
    await rollback.close();
  }
}

/** What goInception cannot do is refused before anything is asked of it. */
function refusal({ target, params }: GoInceptionRunOptions): Outcome | undefined {
  const mode = target.sslmode ?? (target.verifySsl === true || target.ca !== undefined ? 'verify-full' : 'disable');
  if (mode.startsWith('verify-') || target.ca !== undefined)
    return failed(
      'InvalidParams',
      `goInception cannot check the server's certificate as sslmode ${mode} asks: set sslmode to require or disable, or run without goinception_url`,
    );
  // It joins both with a colon.
  if (target.user?.includes(':') === true)
    return failed('InvalidParams', 'goInception cannot log in as a user whose name has a colon');
  if (params.transaction)
    return failed(
      'InvalidParams',
      'exec_options.transaction is not possible: goInception takes no text as one transaction',
    );
  if (params.ledger)
    return failed('InvalidParams', 'ledger is not possible: goInception opens the transactions, not the agent');
  return undefined;
}

/** A text of several parts is audited as a whole before its first part is executed, unless it is too long for that. */
async function runParts(
  script: InceptionScript,
  statements: AsyncGenerator<SqlStatement>,
  database: string,
): Promise<void> {
  try {
    const { head, rest } = await readAhead(statements);
    if (rest === undefined) {
      const blocks: (readonly SqlStatement[])[] = [];
      for await (const part of scriptParts(head, database)) if (part.kind === 'block') blocks.push(part.statements);
      if (blocks.length > 1) await script.audit(blocks.flat(), database);
    } else await script.announceParts();
    for await (const part of scriptParts(chain(head, rest), database))
      await (part.kind === 'read' ? script.read(part) : script.run(part));
  } finally {
    await statements.return(undefined);
  }
}

async function* chain(
  head: readonly SqlStatement[],
  rest: AsyncGenerator<SqlStatement> | undefined,
): AsyncGenerator<SqlStatement> {
  yield* head;
  if (rest !== undefined) yield* rest;
}
