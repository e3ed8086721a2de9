import { codeBlocks } from './markdown.ts';

/** A command that a document shows, with what it prints. */
export interface Step {
  readonly command: string;
  readonly output: string;
}

/**
 * The commands of a document's `console` blocks. A command begins with `$ `; it goes on in the next line after a backslash,
 * inside an open single quote, and up to the end of a here-document.
 */
export function transcript(markdown: string): Step[] {
  return codeBlocks(markdown, 'console').flatMap((block) => {
    const steps: { command: string; output: string }[] = [];
    let open = false;
    for (const line of block.split('\n').slice(0, -1)) {
      const step = steps.at(-1);
      if (line.startsWith('$ ')) {
        steps.push({ command: line.slice(2), output: '' });
        open = isOpen(line.slice(2));
      } else if (step !== undefined && open) {
        step.command += `\n${line}`;
        open = isOpen(step.command);
      } else if (step !== undefined) {
        step.output += `${line}\n`;
      }
    }
    return steps;
  });
}

function isOpen(command: string): boolean {
  const end = /<<'?(\w+)'?/.exec(command)?.[1];
  if (end !== undefined) return !command.split('\n').slice(1).includes(end);
  return command.endsWith('\\') || (command.match(/'/g)?.length ?? 0) % 2 === 1;
}

/**
 * What differs from run to run, made equal: names made of ULIDs, times, ages, durations, the widths of columns, and how
 * many states of an object a watch was there to see.
 */
export function withoutChance(output: string): string {
  return lastRows(output)
    .replaceAll(/\b(task|file)-[0-9a-z]{26}/g, '$1-ULID')
    .replaceAll(/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g, 'TIME')
    .replaceAll(/\b\d+(\.\d+)?m?s\b/g, 'DURATION')
    .replaceAll(/Date: .*?GMT/g, 'Date: NOW')
    .replaceAll(/X-Request-Id: [-0-9a-f]{36}/g, 'X-Request-Id: UUID')
    .replaceAll(/ +/g, ' ')
    .trim();
}

/** Of each object in a table of kubectl's, the last row. */
function lastRows(output: string): string {
  if (!output.startsWith('NAME')) return output;
  return [...new Map(output.split('\n').map((line) => [line.split(' ')[0], line])).values()].join('\n');
}
