interface ReviverContext {
  readonly source?: string;
}

/** What ECMAScript 2026 has and the type library lacks yet. */
const json = JSON as unknown as {
  parse(text: string, reviver: (key: string, value: unknown, context: ReviverContext) => unknown): unknown;
  rawJSON(text: string): object;
};

/** A fraction, an exponent, or more digits than JavaScript is sure to keep. */
const MAY_CHANGE = /\d[.eE]|\d{16}/;

/**
 * Reads JSON so that `JSON.stringify` writes every number as it was. Without this 9007199254740993 would be indexed as
 * another number, and 1.0 as 1, which Elasticsearch maps to another type. Such numbers are objects to look at. Throws a
 * `SyntaxError`.
 */
export function parseJson(text: string): unknown {
  if (!MAY_CHANGE.test(text)) return JSON.parse(text);
  return json.parse(text, (_key, value, { source }) =>
    typeof value === 'number' && source !== undefined && String(value) !== source ? json.rawJSON(source) : value,
  );
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !Object.hasOwn(value, 'rawJSON');
}
