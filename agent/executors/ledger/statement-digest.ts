import { createHash, hash } from 'node:crypto';
import type { SqlStatement } from '../sql/split-statements.ts';

/** A run is asked for digests of statements that it has read, of which it holds back some hundreds at most. */
const KEPT = 4096;

/**
 * Digests of a text up to each of its statements: two texts have the same digest at a statement only when everything up
 * to it is the same, the data of COPY included.
 */
export class StatementDigest {
  #last = '';
  readonly #kept = new Map<number, string>();

  /** Takes the next statement; what it returns stands for it, and its data is to be read there. */
  add(statement: SqlStatement): SqlStatement {
    const { number, text, copyData } = statement;
    this.#keep(number, hash('sha256', `${this.#last}\n${text}`));
    return copyData === undefined ? statement : { ...statement, copyData: this.#addData(number, copyData) };
  }

  /** Up to this statement, one of the last 4,096. Of COPY: once its data was read to the end. */
  at(number: number): string {
    const digest = this.#kept.get(number);
    if (digest === undefined) throw new Error(`statement ${number} was not read just now`);
    return digest;
  }

  async *#addData(number: number, data: AsyncIterable<string>): AsyncGenerator<string> {
    const digest = createHash('sha256').update(this.#last);
    for await (const part of data) {
      digest.update(part);
      yield part;
    }
    this.#keep(number, digest.digest('hex'));
  }

  #keep(number: number, digest: string): void {
    this.#last = digest;
    this.#kept.set(number, digest);
    this.#kept.delete(number - KEPT);
  }
}
