import type { Request, Response } from 'express';
import type { Files } from '../../store/files.ts';
import { ApiError } from '../errors.ts';
import { sendJson } from '../send.ts';
import { toFileView } from './file-view.ts';
import { MAX_FORM_BYTES, receiveUpload, tooLarge } from './receive-upload.ts';
import type { UploadLimits } from './receive-upload.ts';
import { toUploadError } from './upload-error.ts';

/** Each holds a connection, a file and, with an object store, two parts in memory. */
const MAX_UPLOADS = 16;

/** What comes of a request after its answer is read and dropped for this long: else the client may never see the answer. */
const LINGER_MS = 10_000;

/** `POST /files`. */
export class UploadHandler {
  readonly #files: Files;
  readonly #limits: UploadLimits;
  #active = 0;

  constructor(files: Files, limits: UploadLimits) {
    this.#files = files;
    this.#limits = limits;
  }

  async handle(req: Request, res: Response): Promise<void> {
    try {
      await this.#handle(req, res);
    } catch (err) {
      if (!req.complete) linger(req);
      throw toUploadError(err);
    }
  }

  async #handle(req: Request, res: Response): Promise<void> {
    const { maxBytes } = this.#limits;
    if (Number(req.get('Content-Length')) > maxBytes + MAX_FORM_BYTES) throw tooLarge(maxBytes);
    if (this.#active >= MAX_UPLOADS)
      throw new ApiError('TooManyRequests', `more than ${MAX_UPLOADS} uploads at once; try again`, {
        headers: { 'Retry-After': '5' },
      });
    this.#active += 1;
    try {
      const received = await receiveUpload(req, res, this.#files, this.#limits);
      const { record } = await received.commit();
      res.setHeader('Location', `/api/v1/files/${record.id}`);
      sendJson(res, 201, toFileView(record));
    } finally {
      this.#active -= 1;
    }
  }
}

function linger(req: Request): void {
  const end = (): void => void req.destroy();
  const timer = setTimeout(end, LINGER_MS);
  timer.unref();
  // Once the answer has been sent, Node does not tell the request that its connection is gone.
  req.socket.once('close', end);
  req.once('close', () => {
    clearTimeout(timer);
    req.socket.off('close', end);
  });
  req.resume();
}
