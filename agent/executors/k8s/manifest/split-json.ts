/** One of the JSON objects of a text, and the line that it begins in, from 0. */
export interface JsonPiece {
  readonly text: string;
  readonly line: number;
}

/**
 * The objects of a text that holds nothing but JSON objects with blanks between; empty for any other text. Columns stay
 * what they are, for errors.
 */
export function splitJson(text: string): JsonPiece[] {
  const pieces: JsonPiece[] = [];
  let depth = 0;
  let line = 0;
  let lineStart = 0;
  let begun = { at: 0, column: 0, line: 0 };
  let inText = false;
  for (let at = 0; at < text.length; at += 1) {
    const char = text[at];
    if (char === '\n') {
      line += 1;
      lineStart = at + 1;
    } else if (inText) {
      if (char === '\\') at += 1;
      else if (char === '"') inText = false;
    } else if (char === '{') {
      if (depth === 0) begun = { at, column: at - lineStart, line };
      depth += 1;
    } else if (depth === 0) {
      if (!' \t\r\uFEFF'.includes(char ?? '')) return [];
    } else if (char === '"') {
      inText = true;
    } else if (char === '}') {
      depth -= 1;
      if (depth === 0) pieces.push({ text: ' '.repeat(begun.column) + text.slice(begun.at, at + 1), line: begun.line });
    }
  }
  return depth === 0 ? pieces : [];
}
