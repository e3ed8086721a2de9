import type { ErrorRequestHandler } from 'express';
import type { Logger } from 'pino';
import type { ApiError } from './errors.ts';
import { ClientGoneError, sendJson } from './send.ts';
import { toApiError } from './to-api-error.ts';

/** Turns whatever a handler threw into an answer; a half-sent answer is cut off, so that nobody takes it for whole. */
export function answerErrors(logger: Logger, toBody: (err: ApiError) => object = toErrorBody): ErrorRequestHandler {
  return (thrown: unknown, req, res, _next) => {
    if (thrown instanceof ClientGoneError) return void res.destroy();
    const err = toApiError(thrown);
    // For the audit trail.
    (res.locals as { errorCode?: string }).errorCode = err.code;
    // The query and the body may hold anything; the path holds ids only.
    if (err.status >= 500)
      logger.error({ method: req.method, path: req.path, code: err.code, err: thrown }, err.message);
    if (res.headersSent) return void res.destroy();
    for (const [name, value] of Object.entries(err.headers)) res.setHeader(name, value);
    sendJson(res, err.status, toBody(err));
  };
}

/** As the first manual has it. */
const toErrorBody = ({ code, message, details }: ApiError): object => ({ error: message, code, ...details });
