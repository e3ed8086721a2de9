import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const root = join(import.meta.dirname, '../..');

/** The repository's Markdown files, relative to its root. */
export const markdownFiles = (): string[] => globSync(['*.md', 'docs/**/*.md'], { cwd: root }).sort();

export const readMarkdown = (path: string): string => readFileSync(join(root, path), 'utf8');

/** The texts of the fenced code blocks of a language, in order. */
export function codeBlocks(markdown: string, language?: string): string[] {
  return [...markdown.matchAll(/^```(\w*)\n([^]*?)^```$/gm)]
    .filter((match) => language === undefined || match[1] === language)
    .map((match) => match[2]!);
}

export const withoutCode = (markdown: string): string => markdown.replaceAll(/^```[^]*?^```$|`[^`\n]*`/gm, '');

/** The anchors that GitHub makes of headings. */
export function anchors(markdown: string): Set<string> {
  const headings = markdown.replaceAll(/^```[^]*?^```$/gm, '').matchAll(/^#+ (.*)$/gm);
  return new Set(
    [...headings].map((match) =>
      match[1]!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}
