import { MongoError, MongoServerError } from 'mongodb';
import type { ClientSession } from 'mongodb';
import { setTimeout as delay } from 'node:timers/promises';
import { abortable } from '../database/deadline.ts';
import { failureText } from './failure-text.ts';

/** How long an abort or, after the task's own end, a commit may still take. */
const END_MS = 8_000;

export function begin(session: ClientSession, maxCommitTimeMS: number): void {
  session.startTransaction({ readConcern: { level: 'snapshot' }, writeConcern: { w: 'majority' }, maxCommitTimeMS });
}

/**
 * Gives the transaction up. A server that does not answer does the same: what is not committed never takes effect, and
 * it ends the transaction by its own lifetime.
 */
export async function abort(session: ClientSession): Promise<void> {
  await within(session.abortTransaction(), END_MS).catch(() => undefined);
}

export interface CommitFailure {
  readonly text: string;
  /** Nobody knows whether the operations took effect. */
  readonly unknown: boolean;
}

/**
 * Commits; undefined when the server has. The driver sends a commit that got no answer once more, which is harmless. A
 * commit that is under way is not stopped, but its answer is not waited for long after the signal.
 */
export async function commit(session: ClientSession, signal: AbortSignal): Promise<CommitFailure | undefined> {
  const work = session.commitTransaction();
  try {
    await abortable(work, signal).catch(async (err: unknown) => {
      if (!signal.aborted) throw err;
      await within(work, END_MS);
    });
    return undefined;
  } catch (err) {
    const labelled = err instanceof MongoError && err.hasErrorLabel('UnknownTransactionCommitResult');
    return { text: failureText(err), unknown: labelled || !(err instanceof MongoServerError) };
  }
}

async function within(work: Promise<void>, ms: number): Promise<void> {
  const timer = new AbortController();
  const late = delay(ms, undefined, { signal: timer.signal, ref: false }).then(
    () => {
      throw new Error('the server did not answer in time');
    },
    () => undefined,
  );
  try {
    await Promise.race([work, late]);
  } finally {
    timer.abort();
  }
}
