import type { AggregationCursor, Document, FindCursor } from 'mongodb';
import type {
  AggregateOperation,
  CountOperation,
  CreateIndexOperation,
  DistinctOperation,
  FindOperation,
  MongoOperation,
} from './mongo-operation.ts';
import { send } from './operation-run.ts';
import type { OperationCounts, OperationRun } from './operation-run.ts';
import { insert, remove, update } from './write-operations.ts';

/** Documents that are fetched at a time: what is held in memory, whatever is found. */
const BATCH_SIZE = 1000;

/** Executes one operation. Rejects with what the driver says, with `OperationFailed`, or with the signal's reason. */
export function runOperation(run: OperationRun, operation: MongoOperation): Promise<OperationCounts> {
  switch (operation.kind) {
    case 'insert':
      return insert(run, operation);
    case 'update':
      return update(run, operation);
    case 'delete':
      return remove(run, operation);
    case 'find':
      return find(run, operation);
    case 'aggregate':
      return aggregate(run, operation);
    case 'count':
      return count(run, operation);
    case 'distinct':
      return distinct(run, operation);
    case 'createIndex':
      return createIndex(run, operation);
    case 'dropIndex':
      return send(run, { dropIndexes: operation.collection, index: operation.name }).then(() => ({
        index: operation.name,
      }));
  }
}

const readOptions = (run: OperationRun): object => ({
  session: run.session,
  signal: run.giveUp,
  comment: run.comment,
  maxTimeMS: run.remainingMs(),
  batchSize: BATCH_SIZE,
  bsonRegExp: true,
});

/** Of documents that are shown as JSON: an int32 and a double of the same value are not the same. */
const shownOptions = (run: OperationRun): object => ({ ...readOptions(run), promoteValues: !run.exactTypes });

function find(run: OperationRun, operation: FindOperation): Promise<OperationCounts> {
  const { collection, filter, projection, sort, limit, skip, extras } = operation;
  // The driver takes a limit of 0 as none, as the server does.
  const options = { ...extras, ...(projection && { projection }), ...(limit && { limit }), ...(skip && { skip }) };
  const cursor = run.database.collection(collection).find(filter, { ...options, ...shownOptions(run) });
  if (sort !== undefined) cursor.sort(sort);
  return drain(run, cursor);
}

async function aggregate(run: OperationRun, operation: AggregateOperation): Promise<OperationCounts> {
  const { collection, pipeline, extras, writes } = operation;
  run.stop.throwIfAborted();
  const options = { ...extras, ...shownOptions(run) };
  const cursor = run.database.collection(collection).aggregate([...pipeline], options);
  if (!writes) return drain(run, cursor);
  // What it writes, the server does not count.
  await cursor.toArray();
  return {};
}

async function drain(run: OperationRun, cursor: FindCursor | AggregationCursor): Promise<OperationCounts> {
  const found = run.found();
  try {
    for await (const document of cursor) {
      run.stop.throwIfAborted();
      await found.add(document as Document);
    }
  } finally {
    await cursor.close().catch(() => undefined);
  }
  return { documents: found.count, found };
}

async function count(run: OperationRun, operation: CountOperation): Promise<OperationCounts> {
  const { collection, filter, extras } = operation;
  run.stop.throwIfAborted();
  // As an aggregation, which transactions allow, unlike the command count.
  const pipeline = [{ $match: filter }, { $group: { _id: 1, n: { $sum: 1 } } }];
  const options = { ...extras, ...readOptions(run) };
  const counted = await run.database.collection(collection).aggregate(pipeline, options).toArray();
  return { documents: Number((counted[0] as { n?: unknown } | undefined)?.n ?? 0) };
}

async function distinct(run: OperationRun, operation: DistinctOperation): Promise<OperationCounts> {
  const { collection, filter, field, extras } = operation;
  const reply = await send(run, { distinct: collection, key: field, query: filter, ...extras });
  const found = run.found();
  for (const value of (reply['values'] ?? []) as readonly unknown[]) await found.add({ [field]: value });
  return { documents: found.count, found };
}

async function createIndex(run: OperationRun, operation: CreateIndexOperation): Promise<OperationCounts> {
  const { collection, keys, name, options } = operation;
  await send(run, { createIndexes: collection, indexes: [{ key: keys, name, ...options }] });
  return { index: name };
}
