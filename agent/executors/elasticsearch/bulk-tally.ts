import { RowSpool } from '../sql/row-spool.ts';
import type { BulkChunk } from './bulk-chunks.ts';
import type { ElasticsearchAnswer } from './elasticsearch-client.ts';
import { isObject } from './lossless-json.ts';
import { describeCause, objectOf, Refused } from './server-error.ts';

/** Failed actions that are named; the others are counted. */
const MAX_NAMED = 20;
const MAX_REASON = 300;

export interface BulkAnswer {
  readonly text: string;
  /** What the text says. */
  readonly body: Readonly<Record<string, unknown>>;
  readonly items: readonly unknown[];
}

/** The answer to a chunk. Throws `Refused`. */
export function readBulkAnswer(answer: ElasticsearchAnswer): BulkAnswer {
  const body = objectOf(answer);
  const { items } = body;
  if (Array.isArray(items)) return { text: answer.text, body, items: items as unknown[] };
  throw new Refused('RequestRefused', 'the answer has no items');
}

/** What became of the actions of a bulk request, over all its chunks. */
export class BulkTally {
  readonly #spool: RowSpool;
  readonly #named: string[] = [];
  #answers = 0;
  #took = 0;
  #actions = 0;
  #failed = 0;
  /** The only answer, as it came. */
  #whole: string | undefined;

  constructor(spoolFolder: string) {
    this.#spool = new RowSpool({ folder: spoolFolder });
  }

  /** Actions that the server answered without an error. */
  get affected(): number {
    return this.#actions - this.#failed;
  }

  get failed(): number {
    return this.#failed;
  }

  get actions(): number {
    return this.#actions;
  }

  /** Takes the answer to a chunk and gives back what failed in it, as far as it is to be named. */
  async add(chunk: BulkChunk, { body, items, text }: BulkAnswer): Promise<readonly string[]> {
    const named: string[] = [];
    for (const [index, item] of items.entries()) {
      const error = errorOf(item);
      if (error === undefined) continue;
      this.#failed += 1;
      if (this.#named.length + named.length < MAX_NAMED) named.push(`action ${String(chunk.first + index)} ${error}`);
    }
    this.#named.push(...named);
    this.#actions += items.length;
    this.#answers += 1;
    this.#took += typeof body['took'] === 'number' ? body['took'] : 0;
    this.#whole = this.#answers === 1 ? text : undefined;
    await this.#spool.append(itemsText(text, items).replaceAll(/[\r\n]+/g, ' '));
    return named;
  }

  /** The failed actions: `2 of 5 actions failed`, then a line for each. */
  describe(): string {
    const head = `${String(this.#failed)} of ${String(this.#actions)} actions failed`;
    const rest = this.#failed - this.#named.length;
    return [head, ...this.#named, ...(rest > 0 ? [`and ${String(rest)} more`] : [])].join('\n');
  }

  /** What the server answered: itself when it was one answer, else one of the same form with the items of all. */
  async *response(): AsyncGenerator<Buffer, void> {
    if (this.#whole !== undefined) {
      yield Buffer.from(this.#whole);
      return;
    }
    yield Buffer.from(`{"errors":${String(this.#failed > 0)},"took":${String(this.#took)},"items":[`);
    let separator = '';
    for await (const lines of this.#spool.read())
      for (const line of lines) {
        yield Buffer.from(separator + line);
        separator = ',';
      }
    yield Buffer.from(']}');
  }

  close(): Promise<void> {
    return this.#spool.close();
  }
}

function errorOf(item: unknown): string | undefined {
  const [verb, result] = Object.entries(isObject(item) ? item : {})[0] ?? [];
  if (!isObject(result) || result['error'] === undefined) return undefined;
  const id = typeof result['_id'] === 'string' ? ` ${JSON.stringify(result['_id'])}` : '';
  const where = `${String(verb)} ${String(result['_index'])}${id}`;
  return `(${where}): ${describeCause(result['error'])}`.slice(0, MAX_REASON);
}

const ITEMS = '"items":[';

/** The items as the server wrote them. Within a string the quotes would be escaped, so this finds the key itself. */
function itemsText(text: string, items: readonly unknown[]): string {
  const start = text.indexOf(ITEMS);
  const end = text.lastIndexOf(']');
  // Elasticsearch writes the items last; another order, by a proxy, is written anew.
  if (start === -1 || !/^\]\s*\}\s*$/.test(text.slice(end))) return JSON.stringify(items).slice(1, -1);
  return text.slice(start + ITEMS.length, end);
}
