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
import { ResultWriter } from '../sql/result-writer.ts';
import { splitStatements } from '../sql/split-statements.ts';
import { openSql } from '../sql/sql-source.ts';
import type { SqlSource } from '../sql/sql-source.ts';
import { describeFailure, isLoginRefused, networkText } from './failure.ts';
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

  async execute(context: ExecutionContext): Promise<Outcome> {
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
      return await this.#withSession(lease.pool, { context, target, options, source, signal: deadline.signal });
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
    const { target, signal } = work;
    let session: Session;
    try {
      session = await pool.acquire(signal);
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

  async #run(session: Session, { context, target, options, source, signal }: Work): Promise<Outcome> {
    const { output } = context;
    const { spoolFolder, graceMs = GRACE_MS } = this.#options;
    const mask = (text: string): string => maskSecrets(text, target.secrets);
    session.onNotice = ({ severity = 'NOTICE', message = '' }) =>
      output.log(severity === 'WARNING' ? 'warn' : 'info', mask(`${severity}: ${message}`));
    await output.log(
      'info',
      `Executing ${source.file ?? 'the command'} on ${target.label}${session.encrypted ? ' by TLS' : ''}, backend pid ${session.pid}`,
    );
    const writer = new ResultWriter(output, options.resultFormat, { separator: '\n\n', spoolFolder });
    const report = new StatementReport({ writer, output, format: options.resultFormat, mask });
    const run = new ScriptRun({
      session,
      report,
      batchSize: options.transaction ? Infinity : options.transBatchSize,
      sleepMs: options.sleepMs,
      signal,
      graceMs,
      evidence: (text) => context.evidence(text),
    });
    let outcome: Outcome;
    try {
      await run.run(splitStatements(source.pieces, 'postgres'));
      outcome =
        report.executed === 0
          ? failed('InvalidParams', `there is no SQL statement in ${source.file ?? 'the command'}`)
          : { state: 'Succeeded', message: report.summary() };
    } catch (err) {
      const failure = describeFailure(err, run.ledger, mask);
      if (failure === undefined) throw err;
      await report.failure(failure);
      outcome = failed(failure.reason, `SQL execution failed: ${failure.lines.join('\n')}`);
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
}

interface Work {
  readonly context: ExecutionContext;
  readonly target: Target;
  readonly options: ExecOptions;
  readonly source: SqlSource;
  readonly signal: AbortSignal;
}
