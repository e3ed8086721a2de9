import { BSON, ObjectId } from 'mongodb';
import type { Document } from 'mongodb';

/** One message of an insert. */
export interface InsertBatch {
  /** The index of its first document in the operation. */
  readonly start: number;
  readonly documents: readonly Document[];
}

/** A message may have 48 MB; small ones tell more of how far the work has come and can be stopped between. */
const BATCH_BYTES = 8 * 1024 * 1024;
const BATCH_DOCUMENTS = 1000;

/** Splits the documents of an insert, in order. Those without `_id` get one, at their head, as servers want it. */
export function* insertBatches(documents: readonly Document[], maxDocuments: number): Generator<InsertBatch> {
  const most = Math.min(maxDocuments, BATCH_DOCUMENTS);
  let batch: Document[] = [];
  let bytes = 0;
  let start = 0;
  for (const [index, document] of documents.entries()) {
    const size = BSON.calculateObjectSize(document);
    if (batch.length > 0 && (batch.length >= most || bytes + size > BATCH_BYTES)) {
      yield { start, documents: batch };
      batch = [];
      bytes = 0;
      start = index;
    }
    batch.push('_id' in document ? document : { _id: new ObjectId(), ...document });
    bytes += size;
  }
  if (batch.length > 0) yield { start, documents: batch };
}
