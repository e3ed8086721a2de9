import { isFatal, isServerError } from '../session/server-error.ts';
import type { ServerError } from '../session/server-error.ts';
import type { Flavour } from '../session/session.ts';
import { remark } from './remark.ts';
import type { Remark, RemarkCode } from './remark.ts';

/** By the number of the server's error: what it is about. */
const CODES: Readonly<Record<number, RemarkCode>> = {
  1064: 'SyntaxError',
  1149: 'SyntaxError',
  1146: 'UnknownTable',
  1051: 'UnknownTable',
  1109: 'UnknownTable',
  4092: 'UnknownTable',
  1054: 'UnknownColumn',
  1049: 'UnknownObject',
  1193: 'UnknownObject',
  1305: 'UnknownObject',
  1044: 'AccessDenied',
  1045: 'AccessDenied',
  1142: 'AccessDenied',
  1143: 'AccessDenied',
  1227: 'AccessDenied',
  1370: 'AccessDenied',
};
/** It cannot prepare such a statement; it was locked out, or took too long; the answer would write. */
const NO_ANSWER: Readonly<Record<number, string>> = {
  1295: 'the server reads a statement of this kind only when it runs',
  1205: 'a table is locked by somebody',
  1317: 'it takes the server too long',
  3024: 'it takes the server too long',
  1969: 'it takes the server too long',
  1461: 'the server holds too many prepared statements',
  1792: 'it calls something that would write',
};

/** What the server has against a statement that it was asked to read. Throws again what is no answer of the server. */
export function refusalRemark(err: unknown, { isUnsure }: { readonly isUnsure: boolean }): Remark {
  if (!isServerError(err) || isFatal(err)) throw err;
  const silent = NO_ANSWER[err.errno];
  if (silent !== undefined) return remark('NotChecked', 0, `not checked by the server: ${silent}`);
  const code = CODES[err.errno] ?? 'WillFail';
  if (!isUnsure) return remark(code, 2, err.message);
  return remark(code, 1, `${err.message} (unless the statements before it change that)`);
}

/** Why nothing was learned of a statement. Throws again what is no answer of the server. */
export function notChecked(err: unknown): Remark {
  if (!isServerError(err) || isFatal(err)) throw err;
  return remark('NotChecked', 0, `not checked by the server: ${NO_ANSWER[err.errno] ?? err.message}`);
}

/** Why there is no estimate. Throws again what is no answer of the server. */
export function noEstimate(err: unknown): Remark {
  if (!isServerError(err) || isFatal(err)) throw err;
  return remark('NotEstimated', 0, `rows are not estimated: ${NO_ANSWER[err.errno] ?? err.message}`);
}

/** Doris has one number for nearly all errors: its words tell more. */
export function dorisRemark(err: unknown): Remark {
  if (!isServerError(err) || isFatal(err)) throw err;
  const code = dorisCode(err);
  return code === undefined ? noEstimate(err) : remark(code, 2, err.message);
}

function dorisCode({ errno, message }: ServerError): RemarkCode | undefined {
  if (CODES[errno] !== undefined) return CODES[errno];
  if (/syntax|mismatched input|no viable alternative|extraneous input|parse/i.test(message)) return 'SyntaxError';
  if (/unknown column/i.test(message)) return 'UnknownColumn';
  if (/unknown table|table.*does not exist|table.*not (?:found|exist)/i.test(message)) return 'UnknownTable';
  return /denied|privilege/i.test(message) ? 'AccessDenied' : undefined;
}

/** Whether a server reads a statement of such a kind at all before it runs. */
export const canPrepare = (flavour: Flavour): boolean => flavour !== 'doris';
