import { setTimeout as sleep } from 'node:timers/promises';
import { failed } from '../executor.ts';
import type { Outcome } from '../executor.ts';
import { FileUnavailable } from '../../files/file-unavailable.ts';
import { SpoolError } from '../sql/row-spool.ts';
import { BulkActionError } from './bulk-action.ts';
import type { BulkAction } from './bulk-action.ts';
import { chunked } from './bulk-chunks.ts';
import type { BulkChunk } from './bulk-chunks.ts';
import { BulkTally, readBulkAnswer } from './bulk-tally.ts';
import type { BulkAnswer } from './bulk-tally.ts';
import type { BulkOperation } from './elasticsearch-params.ts';
import { writeReport } from './report.ts';
import { toOutcome } from './run.ts';
import type { Run } from './run.ts';
import { settle } from './settle.ts';

const LABEL = 'Bulk operation';
/** How often progress is logged at most. */
const PROGRESS_MS = 1000;

/**
 * Sends actions chunk by chunk. Failed actions do not stop the others, as within one bulk request; a chunk that fails as a
 * whole does. What was answered is in the result in every case. Rejects with the signal's reason after an abort.
 */
export async function runBulk(
  run: Run,
  operation: BulkOperation,
  actions: AsyncIterable<BulkAction>,
): Promise<Outcome> {
  const tally = new BulkTally(run.spoolFolder);
  const report = async (title: string, success: boolean): Promise<void> =>
    writeReport(run.output, run.options.resultFormat, {
      title,
      operation: 'bulk',
      success,
      line: ['Documents affected', tally.affected],
      response: tally.response(),
    });
  try {
    await sendAll(run, operation, actions, tally);
    run.signal.throwIfAborted();
    const success = tally.failed === 0;
    await report(`${LABEL} completed`, success);
    if (!success) return failed('BulkActionsFailed', `${LABEL} failed: ${tally.describe()}`);
    return { state: 'Succeeded', message: `${String(tally.affected)} documents affected` };
  } catch (err) {
    if (tally.actions > 0) await report(`${LABEL} stopped`, false);
    if (run.signal.aborted) throw err;
    return stopped(err, tally);
  } finally {
    await tally.close();
  }
}

async function sendAll(
  run: Run,
  operation: BulkOperation,
  actions: AsyncIterable<BulkAction>,
  tally: BulkTally,
): Promise<void> {
  const { transBatchSize, sleepMs } = run.options;
  const { output } = run;
  let loggedAt = performance.now();
  for await (const chunk of chunked(actions, transBatchSize)) {
    if (sleepMs > 0 && chunk.first > 1)
      await sleep(sleepMs, undefined, { signal: run.signal }).catch(() => run.signal.throwIfAborted());
    const named = await tally.add(chunk, await send(run, operation, chunk));
    if (named.length > 0) await output.log('error', ...named);
    if (performance.now() - loggedAt >= PROGRESS_MS) {
      loggedAt = performance.now();
      await output.log('info', `${String(tally.actions)} actions done, ${String(tally.failed)} of them failed`);
    }
  }
  await output.log('info', `${String(tally.actions)} actions done, ${String(tally.failed)} of them failed`);
}

async function send(run: Run, operation: BulkOperation, chunk: BulkChunk): Promise<BulkAnswer> {
  const { path, query } = operation;
  run.evidence(`bulk actions ${range(chunk)}, X-Opaque-Id ${run.opaqueId}`);
  const request = { method: 'POST', path, query, body: chunk.body, ndjson: true, opaqueId: run.opaqueId } as const;
  try {
    const answer = await settle((signal) => run.client.request(request, signal), run.signal, run.graceMs);
    return readBulkAnswer(answer);
  } catch (err) {
    throw run.signal.aborted ? err : new ChunkFailed(chunk, err);
  }
}

class ChunkFailed extends Error {
  override readonly name = 'ChunkFailed';
  readonly chunk: BulkChunk;

  constructor(chunk: BulkChunk, cause: unknown) {
    super('', { cause });
    this.chunk = chunk;
  }
}

/** How a bulk request ends that was not sent as a whole. */
function stopped(err: unknown, tally: BulkTally): Outcome {
  const before = tally.actions === 0 ? '' : `; ${String(tally.affected)} documents were affected before`;
  if (err instanceof ChunkFailed) {
    const label = tally.actions === 0 ? LABEL : `${LABEL} (actions ${range(err.chunk)})`;
    const outcome = toOutcome(err.cause, label, true);
    return outcome.state === 'Failed' ? { ...outcome, message: outcome.message + before } : outcome;
  }
  if (err instanceof BulkActionError)
    return failed(tally.actions === 0 ? 'InvalidParams' : 'FileInvalid', `${err.message}${before}`);
  if (err instanceof SpoolError) return failed('DiskFull', `${LABEL} failed: ${err.message}${before}`);
  if (err instanceof FileUnavailable) return failed(err.reason, `${err.message}${before}`);
  throw err;
}

const range = ({ first, last }: BulkChunk): string => `${String(first)}-${String(last)}`;
