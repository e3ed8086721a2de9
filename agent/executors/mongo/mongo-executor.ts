import type { Connections } from '../../connections/connections.ts';
import { resolveTarget } from '../../connections/target.ts';
import { TaskFailure } from '../../task-failure.ts';
import type { Target } from '../../connections/target.ts';
import { ExecutionTimeout, startDeadline } from '../database/deadline.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { Pools } from '../database/pools.ts';
import type { PoolLease } from '../database/pools.ts';
import { ResultWriter } from '../sql/result-writer.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome } from '../executor.ts';
import { failureText, isLoginRefused } from './failure-text.ts';
import type { MongoOperation } from './mongo-operation.ts';
import { parseMongoParams } from './mongo-params.ts';
import type { MongoParams } from './mongo-params.ts';
import { MongoPool, TargetInvalid } from './mongo-pool.ts';
import { readSource } from './mongo-source.ts';
import { parseOperations } from './parse-operations.ts';
import { Sequence } from './sequence.ts';

export interface MongoExecutorOptions {
  readonly connections: Connections;
  /** Where what is found waits on disk until its number is known. */
  readonly spoolFolder: string;
  /** How long an operation that the server was asked to stop may go on before its connection is closed. */
  readonly graceMs?: number;
}

const GRACE_MS = 6_000;

/** Executes MongoDB operations (manual §4.3): one, or a sequence, that stops at the first failure. */
export class MongoExecutor implements Executor {
  readonly type = 'mongo';
  readonly #options: MongoExecutorOptions;
  readonly #pools = new Pools<MongoPool>({
    open: (target) => new MongoPool(target),
    close: (pool) => pool.close(),
  });

  constructor(options: MongoExecutorOptions) {
    this.#options = options;
  }

  close(): Promise<void> {
    return this.#pools.close();
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    if (context.signal.aborted) return failed('NotStarted', 'the task was stopped before its work began');
    const params = parseMongoParams(context.params);
    if (typeof params === 'string') return failed('InvalidParams', params);
    const endsAt = performance.now() + params.timeoutMs;
    const deadline = startDeadline(context.signal, params.timeoutMs);
    let lease: PoolLease<MongoPool> | undefined;
    try {
      const operations = parseOperations(await readSource(context), params.allowJavascript);
      if (typeof operations === 'string') return failed('InvalidParams', operations);
      const target = await resolveTarget(context, {
        type: 'mongo',
        connections: this.#options.connections,
        defaults: { port: 27017, database: 'admin' },
      });
      lease = this.#pools.lease(target);
      return await this.#onServer(context, { params, operations, target, pool: lease.pool, endsAt, ...deadline });
    } catch (err) {
      if (err instanceof TaskFailure) return failed(err.reason, err.message);
      if (err instanceof TargetInvalid) return failed('InvalidParams', err.message);
      throw err;
    } finally {
      deadline.end();
      lease?.release();
    }
  }

  async #onServer(context: ExecutionContext, work: Prepared): Promise<Outcome> {
    const { operations, params, pool, signal, target } = work;
    const { output } = context;
    let facts;
    try {
      facts = await pool.connect(signal);
    } catch (err) {
      if (signal.aborted)
        return failed(
          signal.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted',
          failureText(signal.reason),
        );
      const reason = isLoginRefused(err) ? 'AuthenticationFailed' : 'ConnectionFailed';
      return failed(reason, `connection failed: ${target.label}: ${maskSecrets(failureText(err), target.secrets)}`);
    }
    if (params.transaction && facts.noTransactions !== undefined)
      return failed(
        'TransactionsNotSupported',
        `exec_options.transaction cannot be had: ${facts.noTransactions}; nothing was executed`,
      );
    void output.log(
      'info',
      `Executing ${operations.length} MongoDB operation${operations.length === 1 ? '' : 's'} on ${target.label}`,
    );
    const { spoolFolder, graceMs = GRACE_MS } = this.#options;
    const writer = new ResultWriter(output, params.resultFormat, { separator: '\n', spoolFolder });
    const outcome = await new Sequence({ context, ...work, facts, writer, graceMs }).run();
    // FerretDB has no way to end what it executes: only its time limit does.
    if (signal.aborted && !facts.stopsOnRequest && outcome.state === 'Failed')
      void output.log('warn', 'The server cannot be asked to stop: what it was executing may go on to its time limit');
    return outcome;
  }
}

interface Prepared {
  readonly params: MongoParams;
  readonly operations: readonly MongoOperation[];
  readonly target: Target;
  readonly pool: MongoPool;
  readonly signal: AbortSignal;
  readonly endsAt: number;
}
