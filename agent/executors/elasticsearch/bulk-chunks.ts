import type { BulkAction } from './bulk-action.ts';

/** Actions that are sent in one request. */
export interface BulkChunk {
  /** Positions of the first and the last action. */
  readonly first: number;
  readonly last: number;
  readonly body: string;
}

/** What servers take gladly; they refuse 100 MiB (http.max_content_length). An action that is larger goes alone. */
const CHUNK_BYTES = 8 * 1024 * 1024;

/** Gathers actions into chunks of at most `count` actions and about `bytes` bytes. */
export async function* chunked(
  actions: AsyncIterable<BulkAction>,
  count: number,
  bytes = CHUNK_BYTES,
): AsyncGenerator<BulkChunk, void> {
  let lines: string[] = [];
  let size = 0;
  let first = 1;
  let last = 0;
  const chunk = (): BulkChunk => ({ first, last, body: lines.join('') });
  for await (const action of actions) {
    const length = Buffer.byteLength(action.lines);
    if (lines.length > 0 && (lines.length >= count || size + length > bytes)) {
      yield chunk();
      lines = [];
      size = 0;
    }
    if (lines.length === 0) first = action.position;
    last = action.position;
    lines.push(action.lines);
    size += length;
  }
  if (lines.length > 0) yield chunk();
}
