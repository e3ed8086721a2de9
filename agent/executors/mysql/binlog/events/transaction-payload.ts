import { createZstdDecompress } from 'node:zlib';
import { BinlogError } from '../binlog-error.ts';
import { ByteCursor } from './byte-cursor.ts';
import { eventSize, parseEvent } from './log-event.ts';
import type { LogEvent } from './log-event.ts';

/** Kinds of fields before the payload. */
const Field = { End: 0, Size: 1, Compression: 2, UncompressedSize: 3 } as const;
const Compression = { Zstd: 0, None: 255 } as const;
/** As for a packet: a longer event is not taken into memory. */
const MAX_EVENT_BYTES = 64 * 1024 * 1024;

/**
 * The events of a transaction that is logged compressed, one by one: without checksums, and never the whole transaction
 * in memory. Rejects with `Malformed`.
 */
export async function* eventsOfPayload(body: Buffer): AsyncGenerator<LogEvent> {
  const cursor = new ByteCursor(body);
  let compression: number = Compression.Zstd;
  for (let field = cursor.length(); field !== Field.End; field = cursor.length()) {
    const value = new ByteCursor(cursor.bytes(cursor.length()));
    if (field === Field.Compression) compression = value.length();
  }
  const payload = cursor.rest();
  if (compression === Compression.None) yield* eventsOf([payload]);
  else if (compression === Compression.Zstd) yield* eventsOf(decompressed(payload));
  else throw new BinlogError('Malformed', `a transaction is compressed in the way ${compression}, which is not known`);
}

async function* decompressed(payload: Buffer): AsyncGenerator<Buffer> {
  const zstd = createZstdDecompress();
  zstd.end(payload);
  try {
    for await (const chunk of zstd) yield chunk as Buffer;
  } catch (err) {
    throw new BinlogError('Malformed', 'a compressed transaction cannot be read', { cause: err });
  }
}

async function* eventsOf(chunks: AsyncIterable<Buffer> | Iterable<Buffer>): AsyncGenerator<LogEvent> {
  /** What has come of the next event. */
  let pieces: Buffer[] = [];
  let have = 0;
  let size: number | undefined;
  for await (const chunk of chunks) {
    pieces.push(chunk);
    have += chunk.length;
    if (size !== undefined && have < size) continue;
    let bytes: Buffer = pieces.length === 1 ? chunk : Buffer.concat(pieces);
    for (size = eventSize(bytes); size !== undefined && size <= bytes.length; size = eventSize(bytes)) {
      yield parseEvent(bytes.subarray(0, size), false);
      bytes = bytes.subarray(size);
    }
    if (size !== undefined && size > MAX_EVENT_BYTES)
      throw new BinlogError('Malformed', `an event of ${size} bytes is more than the agent takes`);
    pieces = [bytes];
    have = bytes.length;
  }
  if (have > 0) throw new BinlogError('Malformed', 'a compressed transaction ends within an event');
}
