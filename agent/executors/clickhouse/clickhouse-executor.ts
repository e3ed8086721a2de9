import { resolveTarget } from '../../connections/target.ts';
import type { Target } from '../../connections/target.ts';
import type { Connections } from '../../connections/connections.ts';
import { TaskFailure } from '../../task-failure.ts';
import { ExecutionTimeout, startDeadline } from '../database/deadline.ts';
import { parseExecOptions } from '../database/exec-options.ts';
import type { ExecOptions } from '../database/exec-options.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { Pools } from '../database/pools.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { openSql } from '../sql/sql-source.ts';
import { exceptionText, isLoginRefused } from './clickhouse-error.ts';
import { HttpPool } from './http/http-pool.ts';
import { NativePool } from './native-pool.ts';
import { ServerException } from './native/native-error.ts';
import type { Session, SessionPool } from './session.ts';
import { StatementRunner } from './statement-runner.ts';
import { chooseTransport } from './transport.ts';

export interface ClickHouseExecutorOptions {
  readonly connections: Connections;
  /** Where rows lie while their statement goes on, when they are many. */
  readonly spoolFolder: string;
}

const DEFAULTS = { port: 9000, user: 'default', database: 'default', connection: 'default' };

/** Executes SQL statements on a ClickHouse server, one after the other, up to the first that fails (manual §4.5). */
export class ClickHouseExecutor implements Executor {
  readonly type = 'clickhouse';
  readonly #options: ClickHouseExecutorOptions;
  readonly #pools = new Pools<SessionPool>({ open: openPool, close: (pool) => pool.close() });

  constructor(options: ClickHouseExecutorOptions) {
    this.#options = options;
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const options = parseExecOptions(context.params);
    if (typeof options === 'string') return failed('InvalidParams', options);
    try {
      return await this.#executeWith(options, context);
    } catch (err) {
      if (err instanceof TaskFailure) return failed(err.reason, err.message);
      throw err;
    }
  }

  close(): Promise<void> {
    return this.#pools.close();
  }

  /** Rejects with a `TaskFailure` when the target or the SQL cannot be had. */
  async #executeWith(options: ExecOptions, context: ExecutionContext): Promise<Outcome> {
    const { connections } = this.#options;
    const target = await resolveTarget(context, { type: 'clickhouse', connections, defaults: DEFAULTS });
    const transport = chooseTransport(target);
    if (typeof transport === 'string') return failed('InvalidParams', transport);
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its first statement');
    const deadline = startDeadline(context.signal, options.timeoutMs);
    try {
      return await this.#executeOn(target, context, options, deadline.signal);
    } finally {
      deadline.end();
    }
  }

  async #executeOn(
    target: Target,
    context: ExecutionContext,
    options: ExecOptions,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const source = await openSql(context);
    const lease = this.#pools.lease(target);
    let session: Session | undefined;
    try {
      session = await lease.pool.open(signal);
      const runner = new StatementRunner({ context, session, options, signal, target, ...this.#options });
      return await runner.run(source);
    } catch (err) {
      if (session !== undefined) throw err;
      return connectFailure(err, target, signal);
    } finally {
      session?.release();
      lease.release();
      source.release();
    }
  }
}

function openPool(target: Target): SessionPool {
  const transport = chooseTransport(target);
  if (typeof transport === 'string') throw new Error(transport);
  return transport.protocol === 'native' ? new NativePool(target, transport) : new HttpPool(target, transport);
}

function connectFailure(err: unknown, target: Target, signal: AbortSignal): Outcome {
  if (signal.aborted) {
    const { message } = signal.reason as Error;
    return failed(signal.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted', message);
  }
  const text = err instanceof ServerException ? exceptionText(err) : err instanceof Error ? err.message : String(err);
  const message = maskSecrets(`${target.label}: ${text}`, target.secrets);
  if (isLoginRefused(err))
    return failed('AuthenticationFailed', `connection failed: the server refused the login: ${message}`);
  return failed('ConnectionFailed', `connection failed: ${message}`);
}
