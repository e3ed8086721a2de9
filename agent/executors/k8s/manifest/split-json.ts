/** One of the JSON objects of a text, and where it begins there, line and column from 0. */
export interface JsonPiece {
  readonly text: string;
  readonly line: number;
  readonly column: number;
}

/**
 * The objects of a text that holds nothing but JSON objects with blanks between; empty for any other text. Stops after
 * `most` and one more.
 */
export function splitJson(text: string, most: number): JsonPiece[] {
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
      if (depth > 0) continue;
      pieces.push({ text: text.slice(begun.at, at + 1), line: begun.line, column: begun.column });
      if (pieces.length > most) return pieces;
    }
  }
  return depth === 0 ? pieces : [];
}
