import { appendFileSync, readFileSync } from 'node:fs';

/** One thing that stands in the transcript. */
type Entry =
  | { readonly kind: 'section' | 'note' | 'list'; readonly text: string; readonly at: number }
  | { readonly kind: 'command'; readonly text: string; readonly output: string; readonly at: number };

/** Lines of an output beyond this say nothing new. */
const MAX_LINES = 40;

/** What the suite did and saw, written as it happens: test files are processes of their own. */
export class Transcript {
  readonly #file: string;

  constructor(file: string) {
    this.#file = file;
  }

  /** What follows is about this. */
  section(text: string): void {
    this.#add({ kind: 'section', text, at: Date.now() });
  }

  /** A sentence about what was seen. */
  note(text: string): void {
    this.#add({ kind: 'note', text, at: Date.now() });
  }

  list(items: readonly string[]): void {
    this.#add({ kind: 'list', text: items.map((item) => `* ${item}`).join('\n'), at: Date.now() });
  }

  command(words: readonly string[], output: string): void {
    const text = words.map((word) => (/^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`));
    this.#add({ kind: 'command', text: text.join(' '), output, at: Date.now() });
  }

  #add(entry: Entry): void {
    appendFileSync(this.#file, `${JSON.stringify(entry)}\n`);
  }
}

/** The transcript as Markdown below `head`; `hidden` are texts, such as paths of this machine, and what stands for them. */
export function renderTranscript(file: string, head: string, hidden: ReadonlyMap<string, string>): string {
  const entries = readFileSync(file, 'utf8')
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
  const start = entries[0]?.at ?? 0;
  const blocks: string[] = [head.trimEnd()];
  for (const entry of entries) {
    if (entry.kind === 'command') blocks.push(`\`\`\`console\n$ ${entry.text}\n${shortened(entry.output)}\n\`\`\``);
    else if (entry.kind === 'section') blocks.push(`## ${entry.text}`);
    else blocks.push(entry.kind === 'list' ? entry.text : `${since(start, entry.at)} ${entry.text}`);
  }
  let text = `${blocks.join('\n\n')}\n`;
  for (const [hide, show] of hidden) text = text.replaceAll(hide, show);
  return text;
}

function since(start: number, at: number): string {
  const seconds = Math.round((at - start) / 1000);
  return `\`${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}\``;
}

function shortened(output: string): string {
  const lines = output
    .trimEnd()
    .split('\n')
    .map((line) => line.trimEnd());
  if (lines.length <= MAX_LINES) return lines.join('\n');
  return [...lines.slice(0, MAX_LINES), `… and ${lines.length - MAX_LINES} more lines`].join('\n');
}
