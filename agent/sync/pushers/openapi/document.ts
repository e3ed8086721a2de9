import type { ConsumerClient } from '../http/consumer-client.ts';
import { TIMEOUTS, invalidAnswer } from '../http/wire.ts';

/** A consumer's OpenAPI document, of which any part may be missing or be something else. */
export type OpenapiDocument = Readonly<Record<string, unknown>>;

const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

/** Reads the document that the endpoint names. Rejects with a `PusherError`. */
export async function readDocument(client: ConsumerClient, signal: AbortSignal): Promise<OpenapiDocument> {
  const { text } = await client.call(
    { method: 'GET', url: client.endpoint, timeoutMs: TIMEOUTS.document, maxBytes: MAX_DOCUMENT_BYTES },
    signal,
  );
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    throw invalidAnswer(`the endpoint ${shown(client)} gives no JSON: it must be the address of an OpenAPI document`);
  }
  if (!isObject(document) || !isObject(document['paths']))
    throw invalidAnswer(`what the endpoint ${shown(client)} gives is no OpenAPI document: it has no paths`);
  return document;
}

const shown = ({ endpoint }: ConsumerClient): string => endpoint.origin + endpoint.pathname;

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The value of a key of an object; undefined of anything else. */
export function member(value: unknown, key: string): unknown {
  return isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** Paths in the document's order, with the operations of each. */
export function pathsOf(document: OpenapiDocument): readonly (readonly [path: string, operations: unknown])[] {
  const paths = document['paths'];
  return isObject(paths) ? Object.entries(paths) : [];
}

/** The schema of an operation's JSON body; undefined where it takes none. */
export function bodySchema(document: OpenapiDocument, operation: unknown): unknown {
  const body = resolve(document, member(operation, 'requestBody'));
  const content = member(body, 'content');
  return resolve(document, member(member(content, 'application/json'), 'schema'));
}

/** What a local `$ref` stands for; anything else stands for itself. References to references are followed a few steps. */
export function resolve(document: OpenapiDocument, value: unknown, steps = 5): unknown {
  const ref = member(value, '$ref');
  if (typeof ref !== 'string' || !ref.startsWith('#/') || steps === 0) return value;
  const parts = ref
    .slice(2)
    .split('/')
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));
  let found: unknown = document;
  for (const part of parts) found = member(found, part);
  return resolve(document, found, steps - 1);
}
