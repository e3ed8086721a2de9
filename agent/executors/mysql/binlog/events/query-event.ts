import { uncompressedBody } from '../rows/values/compressed-value.ts';
import { ByteCursor } from './byte-cursor.ts';
import { EventType } from './event-type.ts';
import type { LogEvent } from './log-event.ts';

/** A statement of the log: BEGIN and COMMIT, DDL, and whatever is not logged row by row. */
export interface LoggedQuery {
  /** Of the session that executed it, unless that forged it by `pseudo_thread_id`. */
  readonly threadId: number;
  readonly schema: string;
  /** At most its first 1,024 characters. */
  readonly text: string;
}

const MAX_TEXT = 1024;
/** UTF-8 has at most four bytes for a character. */
const MAX_TEXT_BYTES = 4 * MAX_TEXT;

export const isQuery = ({ type }: LogEvent): boolean => type === EventType.Query || type === EventType.CompressedQuery;

/** Reads an event of a statement. Throws `Malformed`. */
export function parseQuery(event: LogEvent): LoggedQuery {
  const cursor = new ByteCursor(event.body);
  const threadId = cursor.uint(4);
  // How long it took.
  cursor.uint(4);
  const schemaBytes = cursor.uint8();
  // The error's number.
  cursor.uint(2);
  const variablesBytes = cursor.uint(2);
  cursor.bytes(variablesBytes);
  const schema = cursor.text(schemaBytes);
  cursor.uint8();
  const rest = cursor.rest();
  const bytes = event.type === EventType.CompressedQuery ? uncompressedBody(rest) : rest;
  return { threadId, schema, text: bytes.subarray(0, MAX_TEXT_BYTES).toString('utf8').slice(0, MAX_TEXT) };
}
