/** The types of TypeScript leave it out. */
const json = JSON as unknown as { rawJSON(text: string): object };

/** A value as a cell of a table: one line, whatever it holds. */
export function cellText(value: unknown): string {
  if (value === null || value === undefined) return 'NULL';
  return escapeControls(plainText(value));
}

/**
 * A value as JSON. Nothing is lost: an integer beyond 2^53 is a string of its digits, bytes are `\x` and hex, and what
 * no JSON number can be (`NaN`) is a string.
 */
export function jsonText(value: unknown): string {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value);
    case 'number':
      return Number.isFinite(value) ? numberText(value) : `"${String(value)}"`;
    case 'bigint':
      return isSafe(value) ? String(value) : `"${String(value)}"`;
    case 'boolean':
      return String(value);
    default:
      return value === null || value === undefined ? 'null' : (JSON.stringify(value, withoutLoss) ?? 'null');
  }
}

function plainText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (value instanceof Uint8Array) return hexText(value);
  if (value instanceof Date) return Number.isNaN(value.getTime()) ? 'Invalid Date' : value.toISOString();
  if (typeof value === 'number') return numberText(value);
  return typeof value === 'bigint' ? String(value) : jsonText(value);
}

/** For JSON.stringify. What has a toJSON of its own was replaced before: the object that holds it still has it. */
function withoutLoss(this: Readonly<Record<string, unknown>>, key: string, value: unknown): unknown {
  const original = this[key];
  if (original instanceof Uint8Array) return hexText(original);
  if (typeof value === 'bigint') return isSafe(value) ? Number(value) : String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  if (Object.is(value, -0)) return json.rawJSON('-0');
  return value;
}

/** JavaScript drops the sign of zero. */
const numberText = (value: number): string => (Object.is(value, -0) ? '-0' : String(value));

const isSafe = (value: bigint): boolean =>
  value <= BigInt(Number.MAX_SAFE_INTEGER) && value >= BigInt(Number.MIN_SAFE_INTEGER);

function hexText(bytes: Uint8Array): string {
  return `\\x${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex')}`;
}

const CONTROLS = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g;
const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeControls(text: string): string {
  if (text.search(CONTROLS) < 0) return text;
  return text.replace(CONTROLS, (character) => {
    const code = character.charCodeAt(0).toString(16);
    return NAMED[character] ?? (code.length > 2 ? `\\u${code}` : `\\x${code.padStart(2, '0')}`);
  });
}
