const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** How many bytes the character has whose first byte this is; 1 for what begins none. */
function characterLength(first: number): number {
  if (first >= 0xf0 && first < 0xf8) return 4;
  if (first >= 0xe0) return first < 0xf0 ? 3 : 1;
  return first >= 0xc0 ? 2 : 1;
}

/** The longest beginning of at most `limit` bytes that does not end within a character. */
export function headWithin(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  // A character has at most four bytes; without a first byte among the last four the bytes are not UTF-8 anyway.
  for (let start = limit - 1; start >= Math.max(0, limit - 4); start -= 1) {
    if (isContinuation(bytes[start])) continue;
    const complete = start + characterLength(bytes[start] ?? 0) <= limit;
    return bytes.subarray(0, complete ? limit : start);
  }
  return bytes.subarray(0, limit);
}

/** The longest end of at most `limit` bytes that does not begin within a character. */
export function tailWithin(bytes: Buffer, limit: number): Buffer {
  if (bytes.length <= limit) return bytes;
  const from = bytes.length - limit;
  for (let start = from; start < Math.min(bytes.length, from + 4); start += 1) {
    if (!isContinuation(bytes[start])) return bytes.subarray(start);
  }
  // Either only the end of one character fits, or the bytes are not UTF-8.
  return bytes.subarray(limit < 4 ? bytes.length : from);
}

/** Cuts a text to `limit` bytes of UTF-8, marking the cut with an ellipsis. */
export function cutText(text: string, limit: number): string {
  // No UTF-16 unit takes more than three bytes.
  if (text.length * 3 <= limit) return text;
  const bytes = Buffer.from(text);
  return bytes.length <= limit ? text : `${headWithin(bytes, limit - 3).toString()}…`;
}

/** The size of a value as JSON in UTF-8. */
export const jsonBytes = (value: unknown): number => Buffer.byteLength(JSON.stringify(value));
