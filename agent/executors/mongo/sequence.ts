import type { ClientSession } from 'mongodb';
import type { Target } from '../../connections/target.ts';
import { ExecutionTimeout } from '../database/deadline.ts';
import { maskSecrets } from '../database/mask-secrets.ts';
import type { ResultWriter } from '../sql/result-writer.ts';
import { SpoolError } from '../sql/row-spool.ts';
import { failed } from '../executor.ts';
import type { ExecutionContext, Outcome } from '../executor.ts';
import { failureText, connectionLoss } from './failure-text.ts';
import { foundDocuments } from './found-documents.ts';
import { changes } from './mongo-operation.ts';
import type { MongoOperation } from './mongo-operation.ts';
import type { MongoParams } from './mongo-params.ts';
import type { MongoPool, ServerFacts } from './mongo-pool.ts';
import type { OperationCounts, OperationRun } from './operation-run.ts';
import { errorText, resultFields, successText } from './operation-text.ts';
import { ProgressLog } from './progress-log.ts';
import { runOperation } from './run-operation.ts';
import { stoppable } from './stop-on-server.ts';
import { abort, begin, commit } from './transaction.ts';

export interface SequenceWork {
  readonly context: ExecutionContext;
  readonly operations: readonly MongoOperation[];
  readonly params: MongoParams;
  readonly target: Target;
  readonly pool: MongoPool;
  readonly facts: ServerFacts;
  /** Aborts for the task's own reasons and at the end of `exec_options.timeout_ms`. */
  readonly signal: AbortSignal;
  /** When that end is, as `performance.now` counts. */
  readonly endsAt: number;
  readonly writer: ResultWriter;
  /** How long what the server was asked to stop may go on, in milliseconds. */
  readonly graceMs: number;
}

/** The server's own limit is a little later than ours, which is to be the one that is told. */
const SERVER_SLACK_MS = 500;
/** The most that maxTimeMS may be. */
const MAX_TIME_MS = 2 ** 31 - 1;
/** With `continue_on_error`, so many failures stand in the task's error; all stand in its result. */
const TOLD_FAILURES = 20;

/** The operations of one task, one after the other, in one session. */
export class Sequence {
  readonly #work: SequenceWork;
  readonly #session: ClientSession;
  readonly #comment: string;
  readonly #log: ProgressLog;
  readonly #failures: string[] = [];
  #done = 0;
  #lost = false;

  constructor(work: SequenceWork) {
    this.#work = work;
    this.#session = work.pool.client.startSession();
    this.#comment = `tiangong ${work.context.uid}/${work.context.epoch}`;
    this.#log = new ProgressLog(work.context.output, work.operations.length);
  }

  async run(): Promise<Outcome> {
    const { operations, params, signal, writer } = this.#work;
    try {
      if (params.transaction) begin(this.#session, this.#remainingMs());
      for (const operation of operations) {
        if (signal.aborted) break;
        const goesOn = await this.#step(operation);
        if (!goesOn) break;
      }
      const outcome = params.transaction ? await this.#endTransaction() : this.#outcome('');
      const success = outcome.state === 'Succeeded';
      await writer.end({ success, operations: operations.length, done: this.#done });
      return outcome;
    } catch (err) {
      if (err instanceof SpoolError)
        return failed('DiskFull', `MongoDB operations failed: ${err.message}${this.#told()}`);
      throw err;
    } finally {
      await writer.end({ success: false }).catch(() => undefined);
      await this.#session.endSession().catch(() => undefined);
    }
  }

  /** Executes one operation and writes down what it gave. Whether the next one is to be executed. */
  async #step(operation: MongoOperation): Promise<boolean> {
    const { params, pool, facts, signal, writer, graceMs } = this.#work;
    const on = { client: pool.client, session: this.#session, comment: this.#comment, graceMs, ...facts };
    const startedAt = performance.now();
    this.#tellJournal(operation);
    this.#warn(operation);
    let counts: OperationCounts;
    try {
      counts = await stoppable((giveUp) => runOperation(this.#run(operation, giveUp), operation), signal, on);
    } catch (err) {
      if (err instanceof SpoolError) throw err;
      const problem = signal.aborted ? this.#stopped(operation) : this.#problem(err, operation);
      const line = errorText(operation.number, problem);
      this.#failures.push(line);
      this.#log.failed(line);
      await writer.finish([line], { ...resultFields(operation, problem) });
      return params.continueOnError && !signal.aborted && !this.#lost;
    }
    this.#done += 1;
    const line = successText(operation, counts);
    await this.#log.done(`${line} on ${operation.collection} in ${seconds(performance.now() - startedAt)} s`);
    await writer.finish([line], { ...resultFields(operation, counts) }, counts.found?.sink);
    return true;
  }

  #run(operation: MongoOperation, giveUp: AbortSignal): OperationRun {
    const { pool, target, facts, params, signal, writer } = this.#work;
    return {
      database: pool.client.db(target.database),
      session: this.#session,
      facts,
      comment: this.#comment,
      stop: signal,
      giveUp,
      remainingMs: () => this.#remainingMs(),
      exactTypes: params.resultFormat === 'json',
      found: () => foundDocuments(writer, params.resultFormat),
      progress: (part) => this.#tellJournal(operation, part),
    };
  }

  #remainingMs(): number {
    const remaining = Math.ceil(this.#work.endsAt - performance.now()) + SERVER_SLACK_MS;
    return Math.min(Math.max(remaining, 1), MAX_TIME_MS);
  }

  #tellJournal({ number, collection }: MongoOperation, part?: string): void {
    const { context, operations, target } = this.#work;
    const where = `operation ${number} of ${operations.length} on ${target.database}.${collection}`;
    context.evidence(part === undefined ? where : `${where}, ${part}`);
  }

  #warn(operation: MongoOperation): void {
    if (operation.kind !== 'delete' || Object.keys(operation.filter).length > 0) return;
    const what = operation.multi ? 'all documents' : 'any one document';
    const text = `Operation ${operation.number}: the filter is empty: ${what} of ${operation.collection} will be deleted`;
    void this.#work.context.output.log('warn', text);
  }

  #stopped(operation: MongoOperation): string {
    const { message } = this.#work.signal.reason as Error;
    return changes(operation) && !this.#work.params.transaction
      ? `${message}; what it had begun to change may have been changed`
      : message;
  }

  #problem(err: unknown, operation: MongoOperation): string {
    const text = maskSecrets(failureText(err), this.#work.target.secrets);
    const loss = connectionLoss(err);
    if (loss === undefined) return text;
    this.#lost = true;
    const doubt = loss.unclear && changes(operation) && !this.#work.params.transaction;
    return `the connection was lost: ${text}${doubt ? '; the server may have done it or not' : ''}`;
  }

  async #endTransaction(): Promise<Outcome> {
    const { context, operations, signal, target } = this.#work;
    if (this.#failures.length > 0 || signal.aborted) {
      await abort(this.#session);
      void context.output.log('info', 'The transaction was aborted: none of its operations took effect');
      return this.#outcome(' (the transaction was aborted: none of the operations took effect)');
    }
    context.evidence(`committing the transaction of ${operations.length} operations on ${target.database}`);
    const result = await commit(this.#session, signal);
    if (result === undefined) {
      void context.output.log('info', 'The transaction was committed');
      return this.#outcome(' (the transaction was committed all the same: all operations took effect)');
    }
    const text = maskSecrets(result.text, target.secrets);
    void context.output.log('error', `The commit failed: ${text}`);
    return result.unknown
      ? failed(
          'CommitOutcomeUnknown',
          `MongoDB operations failed: commit: ${text} (whether the ${operations.length} operations took effect is unknown: look before you run them again)`,
        )
      : failed('OperationFailed', `MongoDB operations failed: commit: ${text} (none of the operations took effect)`);
  }

  #outcome(transaction: string): Outcome {
    const { operations, signal, params } = this.#work;
    const total = operations.length;
    if (signal.aborted) {
      const { message } = signal.reason as Error;
      const reason = signal.reason instanceof ExecutionTimeout ? 'TimeoutExceeded' : 'Aborted';
      return failed(reason, `${message}${transaction || this.#told()}`);
    }
    if (this.#failures.length === 0)
      return { state: 'Succeeded', message: `${total} MongoDB operation${total === 1 ? '' : 's'} done` };
    const told = this.#failures.slice(0, TOLD_FAILURES).join('\n');
    const more = this.#failures.length - TOLD_FAILURES;
    const rest = total === 1 ? '' : ` (${this.#done} of ${total} operations done${this.#untouched(params)})`;
    const lines = more > 0 ? `${told}\nand ${more} more` : told;
    return failed(
      this.#lost ? 'ConnectionLost' : 'OperationFailed',
      `MongoDB operations failed: ${lines}${transaction || rest}`,
    );
  }

  #told(): string {
    return ` (${this.#done} of ${this.#work.operations.length} operations done)`;
  }

  #untouched({ continueOnError }: MongoParams): string {
    const rest = this.#work.operations.length - this.#done - this.#failures.length;
    return rest === 0 || continueOnError ? '' : `, ${rest} not begun`;
  }
}

const seconds = (ms: number): string => (ms / 1000).toFixed(3);
