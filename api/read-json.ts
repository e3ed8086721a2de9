import { isUtf8 } from 'node:buffer';
import express from 'express';
import type { RequestHandler } from 'express';
import { ApiError } from './errors.ts';

/** How long a JSON body may take to come. The server's own limit is for uploads. */
const JSON_BODY_TIMEOUT_MS = 300_000;

const MIB = 1024 * 1024;

/** Reads a JSON body of at most `maxBytes`, whatever its Content-Type says, as the manuals' servers do. */
export function readJson(maxBytes: number): RequestHandler {
  const parse = express.json({
    type: () => true,
    limit: maxBytes,
    strict: false,
    verify(_req, _res, body) {
      if (!isUtf8(body)) throw new ApiError('UnsupportedEncoding');
    },
  }) as RequestHandler;
  return (req, res, next) => {
    const timer = req.readableEnded ? undefined : setTimeout(() => req.destroy(), JSON_BODY_TIMEOUT_MS);
    parse(req, res, (err?: unknown) => {
      clearTimeout(timer);
      // The validator would refuse a body by its media type before it looks at it.
      if (req.body !== undefined) req.headers['content-type'] = 'application/json';
      next(isTooLarge(err) ? new ApiError('BodyTooLarge', `the body is larger than ${maxBytes / MIB} MiB`) : err);
    });
  };
}

const isTooLarge = (err: unknown): boolean => (err as { type?: unknown } | undefined)?.type === 'entity.too.large';
