import type { Readable } from 'node:stream';
import type { Request, Response } from 'express';
import multer from 'multer';
import { ROLLBACK_FILE_TYPE } from '../../store/files.ts';
import type { Files, ReceivedFile } from '../../store/files.ts';
import { ApiError } from '../errors.ts';
import { ClientGoneError } from '../send.ts';
import { cleanFileName } from './clean-file-name.ts';
import { FILE_FIELD, noFile, notMultipart, toFormError } from './upload-error.ts';

export interface UploadLimits {
  /** Of the file alone. */
  readonly maxBytes: number;
  /** How long nothing may come, in milliseconds. */
  readonly idleMs: number;
}

/** Boundaries, headers and other fields of the form. */
export const MAX_FORM_BYTES = 1024 * 1024;

const FORM_LIMITS = { files: 1, fields: 20, parts: 21, fieldSize: 16 * 1024, fieldNameSize: 200, headerPairs: 50 };

const MEDIA_TYPE = /^[\w!#$&^.+-]{1,100}\/[\w!#$&^.+-]{1,100}$/;

/**
 * Stores the file of a multipart request while it comes in. Resolves once the whole form was good and the bytes are
 * durable; the caller commits them. Rejects as soon as it is clear that this will not be, which may be before the
 * request is complete; then nothing is left of the file.
 */
export function receiveUpload(req: Request, res: Response, files: Files, limits: UploadLimits): Promise<ReceivedFile> {
  return new Promise((resolve, reject) => {
    let received: ReceivedFile | undefined;
    let failed = false;
    const isGone = (): boolean => req.readableAborted || res.destroyed;
    const fail = (err: Error): void => {
      failed = true;
      unwatch();
      reject(err);
    };
    const unwatch = watchSilence(req, limits.idleMs, () =>
      fail(new ApiError('UploadTimeout', `failed to upload file: nothing came for ${limits.idleMs / 1000} seconds`)),
    );
    const storage: multer.StorageEngine = {
      _handleFile(_req, { stream, originalname, mimetype }, done) {
        const file = {
          name: cleanFileName(originalname),
          contentType: mediaType(mimetype),
        };
        files.receive(file, limited(stream, limits.maxBytes)).then(
          (info) => {
            received = info;
            done(null, { size: info.bytes });
          },
          (err: unknown) => {
            // Not through multer, which reads the rest of the request before it tells.
            fail(isGone() ? new ClientGoneError() : (err as Error));
            done(err);
          },
        );
      },
      _removeFile(_req, _file, done) {
        if (received === undefined) done(null);
        else received.discard().then(() => done(null), done);
      },
    };
    const upload = multer({
      storage,
      limits: FORM_LIMITS,
      // Browsers and curl send names as they are, in UTF-8; cleaning them is our own.
      defParamCharset: 'utf8',
      preservePath: true,
    }).single(FILE_FIELD);
    upload(req, res, (err?: unknown) => {
      unwatch();
      if (err !== undefined && err !== null) fail(isGone() ? new ClientGoneError() : toFormError(err));
      else if (received === undefined) fail(req.is('multipart') === 'multipart' ? noFile() : notMultipart());
      else if (failed) void received.discard();
      else resolve(received);
    });
  });
}

/** Calls back when the client has sent nothing for `ms`, noticed within as long again. Returns what ends the watch. */
function watchSilence(req: Request, ms: number, onSilence: () => void): () => void {
  let seen = -1;
  const timer = setInterval(() => {
    const { bytesRead } = req.socket;
    // With bytes at hand it is the store that is slow, as also when all have come.
    if (bytesRead === seen && req.readableLength === 0 && !req.complete) onSilence();
    seen = bytesRead;
  }, ms);
  return () => clearInterval(timer);
}

async function* limited(stream: Readable, maxBytes: number): AsyncGenerator<Uint8Array> {
  let bytes = 0;
  // Destroyed, the stream would tell multer of an error of its own before ours is known.
  for await (const part of stream.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += part.length;
    if (bytes > maxBytes) throw tooLarge(maxBytes);
    yield part;
  }
}

export function tooLarge(maxBytes: number): ApiError {
  return new ApiError('FileTooLarge', `failed to upload file: it is larger than ${maxBytes} bytes`);
}

/** Files of users are never of the type by which those of rollbacks are removed, which downloads of them have. */
function mediaType(given: string): string {
  if (given.toLowerCase() === ROLLBACK_FILE_TYPE) return 'application/sql';
  return MEDIA_TYPE.test(given) ? given : 'application/octet-stream';
}
