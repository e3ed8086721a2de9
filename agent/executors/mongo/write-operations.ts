import type { Document } from 'mongodb';
import { insertBatches } from './insert-batches.ts';
import type { DeleteOperation, InsertOperation, UpdateOperation } from './mongo-operation.ts';
import { OperationFailed, send } from './operation-run.ts';
import type { OperationCounts, OperationRun } from './operation-run.ts';

/** As servers answer writes. */
interface WriteReply {
  readonly n?: number;
  readonly nModified?: number;
  readonly upserted?: readonly unknown[];
  readonly writeErrors?: readonly { readonly index: number; readonly errmsg?: string }[];
  readonly writeConcernError?: { readonly errmsg?: string };
}

/** Of an unordered insert, so many failed documents are named. */
const NAMED_ERRORS = 10;

export async function insert(run: OperationRun, operation: InsertOperation): Promise<OperationCounts> {
  const { collection, documents, ordered } = operation;
  const problems: string[] = [];
  let inserted = 0;
  let failedCount = 0;
  const told = (): string => `(${inserted} of ${documents.length} documents inserted)`;
  for (const { start, documents: batch } of insertBatches(documents, run.facts.maxBatch)) {
    if (batch.length < documents.length) run.progress(`documents ${start + 1} to ${start + batch.length}`);
    let reply: WriteReply;
    try {
      reply = await send(run, { insert: collection, documents: batch, ordered });
    } catch (err) {
      if (run.stop.aborted || inserted === 0) throw err;
      throw new OperationFailed(`${(err as Error).message} ${told()}`, { cause: err });
    }
    inserted += reply.n ?? 0;
    for (const { index, errmsg } of reply.writeErrors ?? []) {
      failedCount += 1;
      if (problems.length < NAMED_ERRORS) problems.push(`documents[${start + index}]: ${errmsg ?? 'not written'}`);
    }
    if (failedCount > 0 && ordered) break;
    checkConcern(reply, told());
  }
  if (failedCount === 0) return { documents: inserted };
  const more = failedCount > problems.length ? `; and ${failedCount - problems.length} more` : '';
  throw new OperationFailed(`${problems.join('; ')}${more} ${told()}`);
}

export async function update(run: OperationRun, operation: UpdateOperation): Promise<OperationCounts> {
  const { collection, filter, update: change, multi, upsert, extras } = operation;
  const updates = [{ q: filter, u: change, multi, upsert, ...extras }];
  const reply: WriteReply = await send(run, { update: collection, updates });
  const upserted = reply.upserted?.length ?? 0;
  const modified = reply.nModified ?? 0;
  const matched = (reply.n ?? 0) - upserted;
  check(reply, `(${modified} documents updated)`);
  const documents = modified + upserted;
  return {
    documents,
    ...(matched === documents ? {} : { matched }),
    ...(upserted === 0 ? {} : { upserted }),
  };
}

export async function remove(run: OperationRun, operation: DeleteOperation): Promise<OperationCounts> {
  const { collection, filter, multi, extras } = operation;
  const deletes: Document[] = [{ q: filter, limit: multi ? 0 : 1, ...extras }];
  const reply: WriteReply = await send(run, { delete: collection, deletes });
  check(reply, `(${reply.n ?? 0} documents deleted)`);
  return { documents: reply.n ?? 0 };
}

function check(reply: WriteReply, done: string): void {
  const [error] = reply.writeErrors ?? [];
  if (error !== undefined) throw new OperationFailed(`${error.errmsg ?? 'not written'} ${done}`);
  checkConcern(reply, done);
}

function checkConcern({ writeConcernError }: WriteReply, done: string): void {
  if (writeConcernError === undefined) return;
  const problem = writeConcernError.errmsg ?? 'not acknowledged by enough members';
  throw new OperationFailed(`written, but the write concern was not met: ${problem} ${done}`);
}
