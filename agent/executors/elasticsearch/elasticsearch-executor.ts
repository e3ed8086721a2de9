import type { Connections } from '../../connections/connections.ts';
import { resolveTarget } from '../../connections/target.ts';
import { TaskFailure } from '../../task-failure.ts';
import type { Target } from '../../connections/target.ts';
import { ExecutionTimeout, startDeadline } from '../database/deadline.ts';
import { parseExecOptions } from '../database/exec-options.ts';
import type { ExecOptions } from '../database/exec-options.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import { Pools } from '../database/pools.ts';
import { failed, TaskAborted } from '../executor.ts';
import type { ExecutionContext, Executor, Outcome, OutputSink } from '../executor.ts';
import { BulkActionError } from './bulk-action.ts';
import { runBulk } from './bulk-run.ts';
import { ElasticsearchClient } from './elasticsearch-client.ts';
import { CommandError } from './command-error.ts';
import { readWork } from './elasticsearch-work.ts';
import type { Work } from './elasticsearch-work.ts';
import { runRequest } from './request-run.ts';
import { toOutcome } from './run.ts';
import type { Run } from './run.ts';
import { runSearch } from './search-run.ts';

export interface ElasticsearchExecutorOptions {
  readonly connections: Connections;
  /** Where long answers lie until their result is written. */
  readonly spoolFolder: string;
  /** How long a write that the server has begun may go on after an abort, in milliseconds; 10,000 unless set. */
  readonly graceMs?: number;
  /** How long a server may take to show that it is there, in milliseconds; 10,000 unless set. */
  readonly reachMs?: number;
}

const DEFAULTS = { port: 9200, database: '', connection: 'default' };
/** Actions in a bulk request. */
const BATCH = 1000;
const GRACE_MS = 10_000;

/** Writes to and reads from Elasticsearch 8 and 9 (manual, §4.4). */
export class ElasticsearchExecutor implements Executor {
  readonly type = 'elasticsearch';
  readonly #options: ElasticsearchExecutorOptions;
  readonly #clients = new Pools<ElasticsearchClient>({
    open: (target) => new ElasticsearchClient(target, this.#options.reachMs),
    close: (client) => client.close(),
  });

  constructor(options: ElasticsearchExecutorOptions) {
    this.#options = options;
  }

  async execute(context: ExecutionContext): Promise<Outcome> {
    const options = parseExecOptions(context.params, { transBatchSize: BATCH });
    if (typeof options === 'string') return failed('InvalidParams', options);
    const deadline = startDeadline(context.signal, options.timeoutMs);
    let target: Target | undefined;
    try {
      deadline.signal.throwIfAborted();
      const work = await readWork(context);
      try {
        const { connections } = this.#options;
        target = await resolveTarget(context, { type: this.type, connections, defaults: DEFAULTS });
        return masked(await this.#run(context, work, target, options, deadline.signal), target);
      } finally {
        work.release();
      }
    } catch (err) {
      const outcome = explain(err);
      return target === undefined ? outcome : masked(outcome, target);
    } finally {
      deadline.end();
    }
  }

  close(): Promise<void> {
    return this.#clients.close();
  }

  async #run(
    context: ExecutionContext,
    work: Work,
    target: Target,
    options: ExecOptions,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const lease = this.#clients.lease(target);
    const run: Run = {
      client: lease.pool,
      output: withoutSecrets(context.output, target),
      evidence: (text) => context.evidence(text),
      options,
      signal,
      opaqueId: `tiangong-${context.uid}-${String(context.epoch)}`,
      graceMs: this.#options.graceMs ?? GRACE_MS,
      spoolFolder: this.#options.spoolFolder,
    };
    const { operation } = work;
    const name = operation.kind === 'request' ? operation.name : operation.kind;
    try {
      await run.output.log(
        'info',
        `Executing ${name} on ${operation.index ?? 'the indices of its actions'} at ${lease.pool.origin}`,
      );
      try {
        await lease.pool.reach(signal);
      } catch (err) {
        signal.throwIfAborted();
        return toOutcome(err, 'Request', false);
      }
      if ('actions' in work) return await runBulk(run, work.operation, work.actions);
      return await (work.operation.kind === 'search'
        ? runSearch(run, work.operation)
        : runRequest(run, work.operation));
    } finally {
      lease.release();
    }
  }
}

function explain(err: unknown): Outcome {
  if (err instanceof CommandError || err instanceof BulkActionError) return failed('InvalidParams', err.message);
  if (err instanceof TaskFailure) return failed(err.reason, err.message);
  if (err instanceof ExecutionTimeout) return failed('TimeoutExceeded', err.message);
  if (err instanceof TaskAborted) return failed('Aborted', err.message);
  throw err;
}

const masked = (outcome: Outcome, { secrets }: Target): Outcome => ({
  ...outcome,
  message: maskSecrets(outcome.message, secrets),
});

function withoutSecrets(output: OutputSink, { secrets }: Target): OutputSink {
  return {
    write: (bytes) => output.write(bytes),
    log: (level, ...messages) => output.log(level, ...messages.map((message) => maskSecrets(message, secrets))),
  };
}
