import type { OutputSink } from '../../executor.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { asJson, asYaml, presentable } from '../show-object.ts';

/** Writes a `List` as it comes, however many objects it has. */
export class ListResult {
  readonly #output: OutputSink;
  readonly #format: 'json' | 'yaml';
  #count = 0;

  constructor(output: OutputSink, format: 'json' | 'yaml') {
    this.#output = output;
    this.#format = format;
  }

  get count(): number {
    return this.#count;
  }

  async add(object: JsonObject): Promise<void> {
    const head = this.#count === 0 ? this.#head() : '';
    this.#count += 1;
    const shown = presentable(object);
    if (this.#format === 'yaml') return this.#write(head + asYaml([shown]));
    const separator = head === '' ? ',' : '';
    return this.#write(`${head}${separator}\n    ${asJson(shown).replaceAll('\n', '\n    ')}`);
  }

  async end(): Promise<void> {
    if (this.#format === 'yaml') return this.#count === 0 ? this.#write(`${YAML_HEAD} []\n`) : undefined;
    return this.#write(this.#count === 0 ? `${JSON_HEAD}]\n}` : '\n  ]\n}');
  }

  #head(): string {
    return this.#format === 'yaml' ? `${YAML_HEAD}\n` : JSON_HEAD;
  }

  async #write(text: string): Promise<void> {
    await this.#output.write(Buffer.from(text));
  }
}

const JSON_HEAD = '{\n  "apiVersion": "v1",\n  "kind": "List",\n  "items": [';
const YAML_HEAD = 'apiVersion: v1\nkind: List\nitems:';
