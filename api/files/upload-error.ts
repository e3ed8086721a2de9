import multer from 'multer';
import { ApiError } from '../errors.ts';
import { ClientGoneError } from '../send.ts';
import { toApiError } from '../to-api-error.ts';

const PREFIX = 'failed to upload file: ';

/** The multipart field of the file (manual §5). */
export const FILE_FIELD = 'file';

/** Says in the manual's words (§7.5) why an upload failed. */
export function toUploadError(err: unknown): unknown {
  if (err instanceof ClientGoneError) return err;
  const { code, message, headers } = toApiError(err);
  if (message.startsWith(PREFIX)) return err;
  return new ApiError(code, PREFIX + message, { cause: err, headers });
}

/** What is wrong with a form that multer or the parser below it refused. */
export function toFormError(err: unknown): ApiError {
  const { message = '' } = err as { message?: string };
  const text = err instanceof multer.MulterError ? ofMulter(err) : lowerFirst(message);
  return new ApiError('UploadInvalid', PREFIX + text, { cause: err });
}

export function noFile(): ApiError {
  return new ApiError('UploadInvalid');
}

export function notMultipart(): ApiError {
  const text = `the body must be multipart/form-data with the file in the field "${FILE_FIELD}"`;
  return new ApiError('UploadInvalid', PREFIX + text);
}

function ofMulter({ code, field, message }: multer.MulterError): string {
  // This code and no field stand for a second file in the right one.
  if (code === 'LIMIT_UNEXPECTED_FILE' || code === 'LIMIT_FILE_COUNT')
    return field === undefined || field === FILE_FIELD
      ? 'one file at a time'
      : `the file must be in the field "${FILE_FIELD}", not "${field.slice(0, 100)}"`;
  return lowerFirst(message);
}

const lowerFirst = (text: string): string => text.slice(0, 1).toLowerCase() + text.slice(1, 200);
