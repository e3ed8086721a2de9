import type { Request, Response } from 'express';
import type { Files } from '../../store/files.ts';
import { ApiError } from '../errors.ts';
import { linger } from '../linger.ts';
import { sendJson } from '../send.ts';
import { toFileView } from './file-view.ts';
import { MAX_FORM_BYTES, receiveUpload, tooLarge } from './receive-upload.ts';
import type { UploadLimits } from './receive-upload.ts';
import { toUploadError } from './upload-error.ts';

/** Each holds a connection, a file and, with an object store, two parts in memory. */
const MAX_UPLOADS = 16;

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
      linger(req);
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
