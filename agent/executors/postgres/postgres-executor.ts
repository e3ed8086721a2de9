import type { Connections } from '../../connections/connections.ts';
import { resolveTarget } from '../../connections/target.ts';
import { TaskFailure } from '../../task-failure.ts';
import type { Target } from '../../connections/target.ts';
import { ExecutionTimeout, startDeadline } from '../database/deadline.ts';
import { parseExecOptions } from '../database/exec-options.ts';
import type { ExecOptions } from '../database/exec-options.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { Pools } from '../database/pools.ts';
import type { PoolLease } from '../database/pools.ts';
import { SessionPool } from '../database/session-pool.ts';
import { tlsAttempts } from '../database/tls-attempts.ts';
import { failed, TaskAborted } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { LedgerStop } from '../ledger/ledger-stop.ts';
import {
  acquireToResume,
  checkLedgerIsThere,
  ledgerAsked,
  NOTHING_TOLD,
  resumedOutcome,
} from '../ledger/resumption.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import { splitStatements } from '../sql/split-statements.ts';
import { openSql } from '../sql/sql-source.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { describeFailure, isLoginRefused, networkText } from './failure.ts';
import { PostgresLedger } from './postgres-ledger.ts';
import { ScriptRun } from './script-run.ts';
import { Session } from './session.ts';
import { StatementReport } from './statement-report.ts';

export interface PostgresExecutorOptions {
  readonly connections: Connections;
  /** Where rows wait on disk until their statement has ended. */
  readonly spoolFolder: string;
  /** How long a server may take to end what it was asked to cancel, before its process is terminated. */
  readonly graceMs?: number;
}

/** With what follows, an abort is heeded within ten seconds. */
const GRACE_MS = 7000;

/** Executes SQL on PostgreSQL (manual §4.2). */
export class PostgresExecutor implements Executor {
  readonly type = 'postgres';
  readonly #options: PostgresExecutorOptions;
  readonly #pools = new Pools<SessionPool<Session>>({
    open: (target) => new SessionPool(() => Session.connect(target)),
    close: (pool) => pool.close(),
  });

  constructor(options: PostgresExecutorOptions) {
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#pools.close();
  }

  resumes(params: Readonly<Record<string, unknown>>): boolean {
    return ledgerAsked(params, this.#options.connections);
  }

  execute(context: ExecutionContext): Promise<Outcome> {
    return resumedOutcome(context, (onLedgerRead) => this.#execute(context, onLedgerRead));
  }

  async #execute(context: ExecutionContext, onLedgerRead: () => void): Promise<Outcome> {
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    const options = parseExecOptions(context.params);
    if (typeof options === 'string') return failed('InvalidParams', options);
    const deadline = startDeadline(context.signal, options.timeoutMs);
    let source: SqlSource | undefined;
    let lease: PoolLease<SessionPool<Session>> | undefined;
    try {
      const target = await resolveTarget(context, {
        type: 'postgres',
        connections: this.#options.connections,
        defaults: { port: 5432, user: 'postgres', database: 'postgres' },
      });
      const tls = tlsAttempts(target);
      if (typeof tls === 'string') return failed('InvalidParams', tls);
      source = await openSql(context);
      lease = this.#pools.lease(target);
      return await this.#withSession(lease.pool, {
        ...{ context, target, options, source, signal: deadline.signal, onLedgerRead },
      });
    } catch (err) {
      if (err instanceof TaskFailure) return failed(err.reason, err.message);
      throw err;
    } finally {
      deadline.end();
      source?.release();
      lease?.release();
    }
  }

  async #withSession(pool: SessionPool<Session>, work: Work): Promise<Outcome> {
    const { context, target, signal } = work;
    let session: Session;
    try {
      session = await acquireToResume(context, () => pool.acquire(signal));
    } catch (err) {
      if (err instanceof ExecutionTimeout) return failed('TimeoutExceeded', err.message);
      if (err instanceof TaskAborted) return failed('Aborted', err.message);
      const reason = isLoginRefused(err) ? 'AuthenticationFailed' : 'ConnectionFailed';
      return failed(reason, `connection failed: ${target.label}: ${maskSecrets(networkText(err), target.secrets)}`);
    }
    try {
      return await this.#run(session, work);
    } finally {
      // A request to cancel may still be under way to it.
      if (signal.aborted) await session.end();
      session.onNotice = () => undefined;
      await pool.release(session);
    }
  }

  async #run(session: Session, work: Work): Promise<Outcome> {
    const { context, target, options, source, signal } = work;
    const { output } = context;
    const { spoolFolder, graceMs = GRACE_MS } = this.#options;
    const mask = (text: string): string => maskSecrets(text, target.secrets);
    session.onNotice = ({ severity = 'NOTICE', message = '' }) =>
      output.log(severity === 'WARNING' ? 'warn' : 'info', mask(`${severity}: ${message}`));
    await output.log(
      'info',
      `Executing ${source.file ?? 'the command'} on ${target.label}${session.encrypted ? ' by TLS' : ''}, backend pid ${session.pid}`,
    );
    const ledger = await this.#openLedger(session, work, async (number) => {
      run.ledger.before([{ first: number, last: number }]);
      await report.found(number);
    });
    const writer = new ResultWriter(output, options.resultFormat, {
      ...{ separator: '\n\n', spoolFolder, entries: output.kept?.entries ?? 0 },
    });
    const report = new StatementReport({ writer, output, format: options.resultFormat, mask });
    const run = new ScriptRun({
      session,
      report,
      batchSize: options.transaction ? Infinity : options.transBatchSize,
      sleepMs: options.sleepMs,
      signal,
      graceMs,
      evidence: (text) => context.evidence(text),
      ledger,
    });
    if (ledger?.past.begun === true) {
      run.ledger.before(ledger.past.committed);
      await report.before(ledger.past);
    }
    let outcome: Outcome;
    try {
      const statements = splitStatements(source.pieces, 'postgres');
      await run.run(ledger?.left(statements) ?? statements);
      outcome =
        report.executed === 0
          ? failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`)
          : { state: 'Succeeded', message: report.summary() };
    } catch (err) {
      const failure = describeFailure(err, run.ledger, mask);
      if (failure === undefined) throw err;
      await report.failure(failure);
      const message = `SQL execution failed: ${failure.lines.join('\n')}`;
      const unknown = run.ledger.has('unknown') || (err instanceof LedgerStop && err.unknown);
      outcome = unknown ? { state: 'Unknown', reason: failure.reason, message } : failed(failure.reason, message);
    } finally {
      await ledger?.close();
    }
    const prepared = run.ledger.ranges('prepared');
    await report.end({
      success: outcome.state === 'Succeeded',
      committed: run.ledger.ranges('committed'),
      rolled_back: run.ledger.ranges('rolledBack'),
      ...(prepared.length === 0 ? {} : { prepared }),
      unknown: run.ledger.ranges('unknown'),
    });
    return outcome;
  }

  async #openLedger(
    session: Session,
    { context, target, signal, onLedgerRead }: Work,
    onFound: (number: number) => Promise<void>,
  ): Promise<PostgresLedger | undefined> {
    const { params, resumed, resumption } = context;
    if (!resumed && !ledgerAsked(params, target.ledger)) return undefined;
    const told = context.output.kept ?? NOTHING_TOLD;
    const options = { run: context, resumed, lookOnly: resumption?.lookOnly, signal, told, onFound };
    const ledger = await PostgresLedger.open(session, options).catch((err: unknown) => {
      if (err instanceof TaskFailure) throw err;
      const why = signal.aborted ? (signal.reason as Error).message : networkText(err);
      throw new TaskFailure('LedgerNotPossible', `ledger is not possible: ${maskSecrets(why, target.secrets)}`);
    });
    checkLedgerIsThere(context, ledger.past, target.label);
    onLedgerRead();
    return ledger;
  }
}

interface Work {
  readonly context: ExecutionContext;
  readonly target: Target;
  readonly options: ExecOptions;
  readonly source: SqlSource;
  readonly signal: AbortSignal;
  readonly onLedgerRead: () => void;
}
