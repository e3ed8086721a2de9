import { mysqlSplitterOptions, splitQuery } from 'dbgate-query-splitter';

/** Statements that goInception's parser got together. */
export interface Chunk {
  readonly text: string;
  readonly statements: readonly string[];
}

/**
 * Cuts a text as goInception does: where a line ends with a semicolon and the apostrophes so far are even. A splitter that
 * is not the agent's makes statements of each piece.
 */
export function chunksOf(text: string): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let lines: string[] = [];
  let even = true;
  const all = text.split('\n');
  for (const [index, line] of all.entries()) {
    if ((line.split("'").length - 1) % 2 === 1) even = !even;
    lines.push(line);
    if (!((/;\r?$/.test(line) && even) || index === all.length - 1)) continue;
    const chunk = lines.join('\n').replace(/;+$/, '');
    lines = [];
    const statements = splitQuery(chunk, mysqlSplitterOptions)
      .map((part) => trimmed(typeof part === 'string' ? part : part.text))
      .filter((statement) => statement !== '');
    if (chunk.trim() !== '') chunks.push({ text: chunk, statements });
  }
  return chunks;
}

const trimmed = (text: string): string => text.replaceAll(/^[ ;\t\n\v\f\r\u00a0]+|[ ;\t\n\v\f\r\u00a0]+$/g, '');

/** What a statement is, by its first words behind remarks. */
export function verbOf(statement: string): string {
  const code = statement.replaceAll(/\/\*[\s\S]*?\*\/|(?:^|\n)\s*(?:--\s|#)[^\n]*/g, ' ').trim();
  return (/^[a-z_]+/i.exec(code)?.[0] ?? '').toLowerCase();
}

export const isDml = (statement: string): boolean =>
  ['insert', 'replace', 'update', 'delete'].includes(verbOf(statement));
