import { parentPort, workerData } from 'node:worker_threads';
import { RevisionWriter } from './revision-database.ts';
import type { RevisionRow } from './revision-database.ts';

export type ToWriteThread =
  | { readonly rows: readonly RevisionRow[]; readonly compactTo: number }
  | { readonly maxPages: number }
  | { readonly close: true };

/** `ready` once, then one answer to every batch, in order; `closed` at the end. */
export type FromWriteThread =
  | { readonly kind: 'ready' | 'done' | 'closed' }
  | { readonly kind: 'failed'; readonly message: string; readonly full: boolean };

/** SQLITE_FULL: https://sqlite.org/rescode.html#full */
const SQLITE_FULL = 13;

// The thread's whole work: commits, each of which waits for the disk, away from the thread that answers requests.
if (parentPort === null) throw new Error('write-thread.ts runs as a worker thread');
const port = parentPort;
const answer = (message: FromWriteThread): void => port.postMessage(message);
const writer = new RevisionWriter((workerData as { file: string }).file);

port.on('message', (message: ToWriteThread) => {
  if ('close' in message) {
    writer.close();
    answer({ kind: 'closed' });
    port.close();
  } else if ('maxPages' in message) {
    writer.limitPages(message.maxPages);
  } else {
    answer(apply(message.rows, message.compactTo));
  }
});
answer({ kind: 'ready' });

function apply(rows: readonly RevisionRow[], compactTo: number): FromWriteThread {
  try {
    writer.apply(rows, compactTo);
    return { kind: 'done' };
  } catch (err) {
    const message = err instanceof Error ? err.message : String(err);
    const code = (err as { errcode?: number }).errcode ?? 0;
    return { kind: 'failed', message, full: (code & 0xff) === SQLITE_FULL };
  }
}
