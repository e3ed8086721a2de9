import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { MANUAL } from './manual-parameters.ts';
import { readMarkdown, root } from './markdown.ts';
import { SYNC_MANUAL } from './sync-manual-parameters.ts';

interface Row {
  readonly parameter: string;
  readonly tests: string;
}

/** The rows of the page's tables by the headings above them. */
function sections(markdown: string): Record<string, Row[]> {
  return Object.fromEntries(
    markdown
      .split(/^## /m)
      .slice(1)
      .map((section) => {
        const rows = [...section.matchAll(/^\| (.+?) \| (.+) \|$/gm)].map((match): Row => {
          return { parameter: match[1]!.replaceAll('`', ''), tests: match[2]! };
        });
        return [section.split('\n')[0], rows.filter(({ parameter }) => parameter !== 'parameter')] as const;
      }),
  );
}

describe('docs/manual-coverage.md', () => {
  const found = sections(readMarkdown('docs/manual-coverage.md'));

  it('has every parameter of the manuals once, and no other', () => {
    const listed = Object.entries(found).map(([title, rows]) => [title, rows.map(({ parameter }) => parameter)]);
    expect(Object.fromEntries(listed)).toEqual({ ...MANUAL, ...SYNC_MANUAL });
  });

  it('names at least one test for each', () => {
    const without = Object.entries(found).flatMap(([title, rows]) =>
      rows.filter(({ tests }) => !tests.includes('.test.ts`: “')).map((row) => [title, row]),
    );
    expect(without).toEqual([]);
  });

  it('names only tests that exist', () => {
    const named = Object.values(found)
      .flat()
      .flatMap(({ tests }) => [...tests.matchAll(/`([^`]+\.test\.ts)`: “(.+?)”/g)])
      .map((match) => ({ file: match[1]!, title: match[2]!.replaceAll('\\|', '|') }));
    expect(named.length).toBeGreaterThan(150);
    const wrong = named.filter(({ file, title }) => {
      const path = join(root, file);
      if (!existsSync(path)) return true;
      return !isTitle(readFileSync(path, 'utf8'), title);
    });
    expect(wrong).toEqual([]);
  });
});

/** Whether a test is called so: the first argument of a call, in whichever quotes. */
function isTitle(source: string, title: string): boolean {
  const escaped = title.replaceAll("'", "\\'");
  return [`('${title}'`, `("${title}"`, `('${escaped}'`].some((call) => source.replace(/\(\s+/g, '(').includes(call));
}
