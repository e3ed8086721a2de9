import type { ExecutionContext } from '../../executor.ts';
import type { SqlStatement } from '../../sql/split-statements.ts';
import { TransactionLedger } from '../../sql/transaction-ledger.ts';
import type { MysqlParams } from '../mysql-params.ts';
import { judge } from './block-judgement.ts';
import { runBlock } from './block-run.ts';
import type { DirectReads } from './direct-reads.ts';
import { endedWithout } from './ended-without.ts';
import type { GoInceptionSettings } from './goinception-settings.ts';
import { InceptionFailure } from './inception-failure.ts';
import type { InceptionReport } from './inception-report.ts';
import { optionComment } from './option-comment.ts';
import { numberRows } from './number-rows.ts';
import type { NumberedRow } from './number-rows.ts';
import { isBackupRefusal, isKilled, rowFate } from './result-row.ts';
import type { InceptionRow } from './result-row.ts';
import type { RollbackScript } from './rollback-script.ts';
import type { AuditOptions } from './run-options.ts';
import { blockText, MAX_BLOCK_BYTES } from './script-parts.ts';
import type { ScriptPart } from './script-parts.ts';

export interface InceptionScriptOptions {
  readonly context: ExecutionContext;
  readonly params: MysqlParams;
  readonly settings: GoInceptionSettings;
  readonly audit: AuditOptions;
  readonly report: InceptionReport;
  readonly reads: DirectReads;
  readonly rollback: RollbackScript;
  readonly signal: AbortSignal;
  readonly graceMs: number;
}

type Mode = 'check' | 'execute';

/** What a task gets when it names no database (manual §4.1). Who has no right to it gets none. */
const DEFAULT_DATABASE = 'mysql';

/** Executes a text part by part, and keeps what became of its statements. */
export class InceptionScript {
  readonly ledger = new TransactionLedger();
  readonly #options: InceptionScriptOptions;
  #audit: AuditOptions;
  #executed = 0;
  #affected = 0;
  /** Without the default database: the login may not use it. */
  #noDefault = false;

  constructor(options: InceptionScriptOptions) {
    this.#options = options;
    this.#audit = options.audit;
  }

  /** How many statements were executed. */
  get executed(): number {
    return this.#executed;
  }

  /** How many rows they changed. */
  get affected(): number {
    return this.#affected;
  }

  /** Tells that a text of more than goInception is given at once is executed in parts. */
  async announceParts(): Promise<void> {
    await this.#options.context.output.log(
      'warn',
      `the text is longer than the ${MAX_BLOCK_BYTES} bytes that goInception gets at once: its parts are audited and executed one after another`,
    );
  }

  /** Has goInception audit statements without executing any. Rejects with `InceptionFailure` when it finds an error. */
  async audit(statements: readonly SqlStatement[], database: string): Promise<void> {
    const rows = await this.#ask(statements, database, 'check');
    const verdict = judge(rows, { checkOnly: true });
    if (verdict === undefined) return;
    for (const { number, row } of rows) await this.#options.report.row(number, row, undefined);
    throw verdict;
  }

  /** Executes a part. Rejects with `InceptionFailure`, or with what a direct read rejected with. */
  async run({ statements, database }: Extract<ScriptPart, { kind: 'block' }>): Promise<void> {
    const { report, rollback, context, params, signal } = this.#options;
    signal.throwIfAborted();
    let rows = await this.#ask(statements, database, 'execute');
    const refused = rows.find(({ row }) => isBackupRefusal(row));
    if (refused?.row.error !== undefined && rows.every(({ row }) => row.stage !== 'EXECUTED')) {
      const reason = `goInception says: ${refused.row.error.split('\n').join(' ')}`;
      if (params.backup === 'asked')
        throw new InceptionFailure(`backup is not possible: ${reason}`, {
          state: 'Failed',
          reason: 'BackupNotPossible',
        });
      await context.output.log('warn', `executing without backup: ${reason}`);
      rollback.impossible(reason);
      this.#audit = { ...this.#audit, backup: false };
      rows = await this.#ask(statements, database, 'execute');
    }
    const before = this.#executed;
    this.#keep(rows);
    const undo = await rollback.take(rows.map(({ row }) => row));
    for (const { number, row } of rows) await report.row(number, row, undo.get(row));
    const verdict = judge(rows, { checkOnly: false });
    // Killed by us: the signal says why.
    if (rows.some(({ row }) => isKilled(row))) signal.throwIfAborted();
    if (verdict !== undefined) throw verdict;
    // Those too that are never shown as executed, such as USE.
    this.#executed = before + statements.length;
  }

  /** A statement that only reads. */
  async read({ statement, database }: Extract<ScriptPart, { kind: 'read' }>): Promise<void> {
    const { reads, report, signal } = this.#options;
    signal.throwIfAborted();
    await report.flush();
    await reads.read(statement, database);
    this.#executed += 1;
  }

  async #ask(statements: readonly SqlStatement[], database: string, mode: Mode): Promise<NumberedRow[]> {
    const used = database === DEFAULT_DATABASE && this.#noDefault ? '' : database;
    const rows = await this.#send(statements, used, mode);
    const [first, ...rest] = rows;
    if (used === '' || first === undefined || !isOurUse(first)) return numberRows(rows, statements);
    if (rowFate(first) === 'refused' && used === DEFAULT_DATABASE && rows.every((row) => row.stage !== 'EXECUTED')) {
      this.#noDefault = true;
      return this.#ask(statements, database, mode);
    }
    const told = numberRows(rest, statements);
    return rowFate(first) === 'refused' ? [{ number: statements[0]?.number ?? 1, row: first }, ...told] : told;
  }

  async #send(statements: readonly SqlStatement[], database: string, mode: Mode): Promise<readonly InceptionRow[]> {
    const { settings, context, signal, graceMs, rollback } = this.#options;
    const { host, port } = this.#audit;
    const [first, last] = [statements[0]?.number ?? 1, statements.at(-1)?.number ?? 1];
    const end = await runBlock({
      address: settings,
      target: { host, port },
      text: blockText(optionComment({ ...this.#audit, mode }), database, statements),
      signal,
      graceMs,
      sending: (id) => {
        if (mode === 'execute')
          context.evidence(
            `goInception ${settings.host}:${settings.port} has statements ${first}-${last}, connection ${id}: no answer yet`,
          );
      },
      progress: ({ state, percent }) => {
        void context.output.log('info', `goInception: ${state} ${percent} of statements ${first}-${last}`);
      },
    });
    if (end.kind === 'answered') return end.rows;
    if (mode === 'execute' && end.kind === 'lost') {
      for (const { number } of statements) this.ledger.executed(number, 'unknown');
      rollback.uncertain();
    }
    throw endedWithout(end, { mode, settings, signal });
  }

  #keep(rows: readonly NumberedRow[]): void {
    for (const { number, row } of rows) {
      const fate = rowFate(row);
      if (fate === 'executed') {
        this.#executed += 1;
        this.#affected += row.affectedRows;
        this.ledger.executed(number, 'committed');
      } else if (fate === 'failed' && (this.#audit.trans ?? 1) > 1) {
        this.ledger.executed(number, 'open');
        this.ledger.ended('rolledBack');
      }
    }
  }
}

const isOurUse = ({ sql }: InceptionRow): boolean => /^use\b/i.test(sql.trim());
