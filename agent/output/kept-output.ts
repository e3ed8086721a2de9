import { LogCapture } from './log-capture.ts';
import type { LogLine } from './log-line.ts';
import { ResultCapture } from './result-capture.ts';
import type { StreamSpool } from './stream-spool.ts';
import type { StreamUpload } from './stream-upload.ts';
import type { Uploader } from './uploader.ts';

/** What an executor keeps beside the output of a run that may be resumed: how far its result has come. */
export interface OutputNote {
  /** The last statement whose report is written. */
  readonly through: number;
  /** The last of them that was committed; 0: none. */
  readonly committed: number;
  /** How many entries the result has. */
  readonly entries: number;
}

/** What an earlier process of the agent left of a run's output. */
export interface KeptOutput {
  readonly result: ResultCapture;
  readonly log: LogCapture;
  readonly resultUpload: StreamUpload | undefined;
  readonly logUpload: StreamUpload | undefined;
  readonly note: OutputNote | undefined;
}

const READ_BYTES = 256 * 1024;

/**
 * Opens what an earlier process left of a run's output, for the run that goes on: the log up to its last whole line, and
 * the result up to the last note, since what comes after it is of statements that are executed again or told by the
 * ledger. Both are held back.
 */
export async function keptOutput(uploader: Uploader, uid: string, epoch: number): Promise<KeptOutput> {
  // What is left of a rollback is of no use: the run that goes on does not know what was changed before.
  await uploader.goOn({ uid, epoch, name: 'rollback' });
  await uploader.drop({ uid, epoch, name: 'rollback' });
  const resultUpload = await uploader.goOn({ uid, epoch, name: 'result' });
  const logUpload = await uploader.goOn({ uid, epoch, name: 'log' });
  const result = new ResultCapture();
  let marked = await resultUpload?.spool.marked();
  // Of a host that lost its power.
  if (marked !== undefined && marked.size > (resultUpload?.spool.size ?? 0)) marked = undefined;
  if (resultUpload !== undefined) {
    await resultUpload.spool.cut(marked?.size ?? 0);
    for await (const bytes of readFrom(resultUpload.spool, 0)) result.add(bytes);
  }
  const log = new LogCapture();
  if (logUpload !== undefined) await readLog(logUpload.spool, log);
  const note = marked === undefined ? undefined : (JSON.parse(marked.note) as OutputNote);
  return { result, log, resultUpload, logUpload, note };
}

async function readLog(spool: StreamSpool, log: LogCapture): Promise<void> {
  let rest = Buffer.alloc(0);
  let end = spool.freed;
  // Segments end anywhere in a line.
  let first = spool.freed > 0;
  for await (const bytes of readFrom(spool, spool.freed)) {
    rest = Buffer.concat([rest, bytes]);
    for (let at = rest.indexOf(0x0a); at >= 0; at = rest.indexOf(0x0a)) {
      const line = rest.subarray(0, at).toString('utf8');
      rest = rest.subarray(at + 1);
      end += at + 1;
      if (!first) addLine(log, line);
      first = false;
    }
  }
  await spool.cut(end);
}

function addLine(log: LogCapture, text: string): void {
  const { id, level = 'info', timestamp = '', message } = JSON.parse(text) as LogLine;
  log.goOnFrom(id);
  log.add(level, timestamp, [message]);
}

/** Chunks that may be kept. */
async function* readFrom(spool: StreamSpool, start: number): AsyncGenerator<Buffer> {
  for (let offset = start; ;) {
    const buffer = Buffer.allocUnsafe(READ_BYTES);
    const length = await spool.read(offset, buffer);
    if (length === 0) return;
    offset += length;
    yield buffer.subarray(0, length);
  }
}
