import type { Request, Response } from 'express';
import type { ByteRange } from '../../store/file-bytes.ts';
import type { FileRecord, Files } from '../../store/files.ts';
import { ApiError } from '../errors.ts';
import { write } from '../send.ts';

/**
 * Answers GET and HEAD with the bytes of a file, or with the part that `Range` asks for. Headers that the caller has set
 * stay.
 */
export async function sendFile(req: Request, res: Response, files: Files, record: FileRecord): Promise<void> {
  const { id, bytes, sha256 } = record;
  const etag = `"${sha256}"`;
  res.setHeader('ETag', etag);
  res.setHeader('Accept-Ranges', 'bytes');
  res.setHeader('X-Content-SHA256', sha256);
  if (req.get('If-None-Match') === etag) return void res.writeHead(304).end();
  const range = rangeOf(req, etag, bytes);
  const { start, end } = range ?? { start: 0, end: bytes - 1 };
  const isHead = req.method === 'HEAD';
  const parts = isHead ? undefined : files.read(id, { start, end })[Symbol.asyncIterator]();
  // What cannot be read at all gets an error, not an answer that is cut off.
  let next = await parts?.next();
  if (range !== undefined) res.setHeader('Content-Range', `bytes ${start}-${end}/${bytes}`);
  res.writeHead(range === undefined ? 200 : 206, { 'Content-Length': end - start + 1 });
  try {
    for (; next !== undefined && next.done !== true; next = await parts?.next()) await write(res, next.value);
  } finally {
    await parts?.return?.();
  }
  res.end();
}

/** The one range that was asked for; undefined: all, as also for several, which nobody needs. */
function rangeOf(req: Request, etag: string, bytes: number): ByteRange | undefined {
  const ifRange = req.get('If-Range');
  if (ifRange !== undefined && ifRange !== etag) return undefined;
  const ranges = bytes === 0 ? undefined : req.range(bytes, { combine: true });
  if (ranges === undefined || ranges === -2) return undefined;
  if (ranges === -1)
    throw new ApiError('RangeNotSatisfiable', undefined, { headers: { 'Content-Range': `bytes */${bytes}` } });
  const [range, ...more] = ranges;
  return ranges.type !== 'bytes' || more.length > 0 ? undefined : range;
}
