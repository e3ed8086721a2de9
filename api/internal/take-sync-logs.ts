import type { NewSyncLogLine } from '../../store/sync-logs.ts';
import { ApiError } from '../errors.ts';

const MAX_LINES = 1000;
const MAX_TEXT = 8192;

interface Batch {
  readonly sender: string;
  readonly lines: readonly NewSyncLogLine[];
}

/** Checks what an agent sends: only whole batches are kept. `user` makes senders of different agents different. */
export function parseSyncLogs(body: unknown, user: string): Batch {
  const { sender, lines } = (body ?? {}) as { sender?: unknown; lines?: unknown };
  if (!isText(sender, 253) || !Array.isArray(lines) || lines.length > MAX_LINES) throw invalid();
  let last = 0;
  for (const line of lines as Partial<Record<keyof NewSyncLogLine, unknown>>[]) {
    const { n, ts, level, source, msg } = line ?? {};
    if (typeof n !== 'number' || !Number.isSafeInteger(n) || n <= last) throw invalid();
    if (!isText(ts, 64) || Number.isNaN(Date.parse(ts)) || !isText(level, 16) || !isText(source, 512)) throw invalid();
    if (!isText(msg, MAX_TEXT)) throw invalid();
    last = n;
  }
  const whole = (lines as NewSyncLogLine[]).map(({ n, ts, level, source, msg }) => ({ n, ts, level, source, msg }));
  return { sender: `${user}/${sender}`, lines: whole };
}

const isText = (value: unknown, maxLength: number): value is string =>
  typeof value === 'string' && value.length <= maxLength;

const invalid = (): ApiError => new ApiError('InvalidRequest', 'the body is no batch of log lines');
