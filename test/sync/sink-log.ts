import { closeSync, existsSync, fsyncSync, openSync, readFileSync, renameSync, writeSync } from 'node:fs';
import type { Sink, SinkChange } from './sink.ts';

/** In bytes: what one write of the log takes at most while it is being shortened. */
const PIECE = 1024 * 1024;

/**
 * Keeps the state of a sink in a file, so that its process can be killed at any moment: lines of changes, those of one push
 * written by one call. A last line without its end belongs to a push that was never acknowledged, and is left out.
 */
export class SinkLog {
  readonly #file: number;

  /** Reads the file into the sink, and writes it anew without what has been overtaken. */
  constructor(path: string, sink: Sink) {
    if (existsSync(path)) for (const push of completeLines(path)) for (const change of push) sink.restore(change);
    const next = openSync(`${path}.next`, 'w');
    let lines = '';
    for (const change of sink.changes()) {
      lines += `${JSON.stringify([change])}\n`;
      if (lines.length < PIECE) continue;
      writeSync(next, lines);
      lines = '';
    }
    writeSync(next, lines);
    fsyncSync(next);
    renameSync(`${path}.next`, path);
    this.#file = next;
  }

  /** The kernel has it when this returns: enough against kill −9. */
  append(changes: readonly SinkChange[]): void {
    if (changes.length > 0) writeSync(this.#file, `${JSON.stringify(changes)}\n`);
  }

  close(): void {
    closeSync(this.#file);
  }
}

function* completeLines(path: string): Generator<readonly SinkChange[]> {
  const text = readFileSync(path, 'utf8');
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
    yield JSON.parse(text.slice(start, end)) as readonly SinkChange[];
    start = end + 1;
  }
}
