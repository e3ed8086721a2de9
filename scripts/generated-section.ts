import { readFileSync, writeFileSync } from 'node:fs';

/**
 * Puts `sections` into a Markdown file, each between `<!-- generated: NAME -->` and `<!-- /generated -->`; the text around
 * them, written by hand, stays. Throws when the file asks for a section that is not there.
 */
export function writeSections(path: string, sections: Readonly<Record<string, readonly string[]>>): void {
  const text = readFileSync(path, 'utf8').replaceAll(
    /(<!-- generated: (\w+) -->\n)[^]*?(<!-- \/generated -->)/g,
    (_all, begin: string, name: string, end: string) => {
      const lines = sections[name];
      if (lines === undefined) throw new Error(`${path}: there is no section ${name}`);
      return `${begin}\n${lines.join('\n')}\n\n${end}`;
    },
  );
  writeFileSync(path, text);
}

const cell = (text: string): string => text.replaceAll('|', '\\|').replaceAll('\n', ' ').trim();

export const tableRow = (...cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;

export const tableHead = (...names: readonly string[]): string[] => [
  tableRow(...names),
  tableRow(...names.map(() => '---')),
];
