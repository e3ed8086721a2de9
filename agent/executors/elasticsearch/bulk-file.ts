import { FileUnavailable } from '../../files/file-unavailable.ts';
import { BulkActionError } from './bulk-action.ts';
import type { BulkElement } from './bulk-action.ts';
import { isObject, parseJson } from './lossless-json.ts';

/** A file of a task: lines of the bulk API, read as they are needed, or JSON, read whole. */
export type BulkFile =
  | { readonly kind: 'lines'; readonly elements: AsyncIterable<BulkElement> }
  | { readonly kind: 'json'; readonly text: string };

/** JSON is read whole, and a line of the bulk API too. */
const MAX_JSON_CHARACTERS = 64 * 1024 * 1024;
const VERBS = ['index', 'create', 'update', 'delete'];

/**
 * Tells by the first line what a file is: an object with one key, which is an action, begins lines of the bulk API. Throws
 * `FileUnavailable`.
 */
export async function readBulkFile(pieces: AsyncIterable<string>): Promise<BulkFile> {
  const lines = numbered(pieces);
  for (;;) {
    const first = await lines.next();
    if (first.done === true) throw new FileUnavailable('FileInvalid', 'the file is empty');
    if (first.value.text.trim() === '') continue;
    if (isAction(first.value)) return { kind: 'lines', elements: startingWith(first.value, lines) };
    return { kind: 'json', text: await joined(first.value, lines) };
  }
}

class Line implements BulkElement {
  readonly text: string;
  readonly #number: number;

  constructor(text: string, number: number) {
    this.text = text;
    this.#number = number;
  }

  get value(): unknown {
    try {
      return parseJson(this.text);
    } catch (err) {
      throw new BulkActionError(`line ${String(this.#number)} of the file: ${(err as Error).message}`, { cause: err });
    }
  }
}

function isAction(line: Line): boolean {
  let value: unknown;
  try {
    ({ value } = line);
  } catch {
    return false;
  }
  if (!isObject(value)) return false;
  const [key = '', ...others] = Object.keys(value);
  return others.length === 0 && VERBS.includes(key);
}

async function* startingWith(first: Line, rest: AsyncIterable<Line>): AsyncGenerator<Line, void> {
  yield first;
  for await (const line of rest) if (line.text.trim() !== '') yield line;
}

async function joined(first: Line, rest: AsyncIterable<Line>): Promise<string> {
  const texts = [first.text];
  let length = first.text.length;
  for await (const { text } of rest) {
    texts.push(text);
    length += text.length + 1;
    if (length > MAX_JSON_CHARACTERS) throw tooLong('a command');
  }
  return texts.join('\n');
}

async function* numbered(pieces: AsyncIterable<string>): AsyncGenerator<Line, void> {
  let number = 0;
  let begun: string[] = [];
  let length = 0;
  for await (const piece of pieces) {
    let start = 0;
    for (let end = piece.indexOf('\n'); end !== -1; end = piece.indexOf('\n', start)) {
      begun.push(piece.slice(start, end));
      yield new Line(begun.join('').replace(/\r$/, ''), (number += 1));
      begun = [];
      length = 0;
      start = end + 1;
    }
    begun.push(piece.slice(start));
    length += piece.length - start;
    if (length > MAX_JSON_CHARACTERS) throw tooLong('a line');
  }
  if (length > 0) yield new Line(begun.join(''), number + 1);
}

const tooLong = (what: string): FileUnavailable =>
  new FileUnavailable(
    'FileTooLarge',
    `${what} may have ${String(MAX_JSON_CHARACTERS)} characters; write one action or document a line, as the bulk API has it`,
  );
