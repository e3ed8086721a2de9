import { StoreError } from './store-error.ts';

/** A line of a task's log, as agents send it and as the status of a task keeps it. */
export interface LogLine {
  readonly id: number;
  readonly level?: string;
  readonly timestamp?: string;
  readonly message: string;
}

/**
 * Checks that `bytes` are whole NDJSON log lines with strictly growing ids, and returns the first and the last id, or
 * undefined when there is no line. Throws `ChunkInvalid`.
 */
export function indexLogChunk(bytes: Uint8Array): { first: number; last: number } | undefined {
  if (bytes.length === 0) return undefined;
  if (bytes.at(-1) !== 0x0a) throw new StoreError('ChunkInvalid', 'a log chunk must end with a whole line');
  const lines = parseLogLines(new TextDecoder().decode(bytes));
  let last = 0;
  for (const line of lines) {
    if (!Number.isSafeInteger(line.id) || line.id <= last)
      throw new StoreError('ChunkInvalid', `the ids of log lines must grow from 1; ${line.id} came after ${last}`);
    if (typeof line.message !== 'string') throw new StoreError('ChunkInvalid', `log line ${line.id} has no message`);
    last = line.id;
  }
  const first = lines[0];
  return first === undefined ? undefined : { first: first.id, last };
}

/** Parses whole NDJSON lines. Throws `ChunkInvalid`. */
export function parseLogLines(text: string): LogLine[] {
  try {
    // One call of JSON.parse for all lines takes half the time of one a line.
    const lines: unknown = JSON.parse(`[${text.trimEnd().replaceAll('\n', ',')}]`);
    if ((lines as unknown[]).every((line) => typeof line === 'object' && line !== null && !Array.isArray(line)))
      return lines as LogLine[];
  } catch {
    // Told below.
  }
  throw new StoreError('ChunkInvalid', 'a log chunk must hold one JSON object a line');
}
