import type { OutputSink } from '../../executor.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';
import { asJson, presentable } from '../show-object.ts';

/** The result of a write: what each document gave, with an empty line between (manual §3). */
export class ResultParts {
  readonly #output: OutputSink;
  #isFirst = true;

  constructor(output: OutputSink) {
    this.#output = output;
  }

  async object(object: JsonObject): Promise<void> {
    await this.text(asJson(presentable(object)));
  }

  async text(text: string): Promise<void> {
    await this.#output.write(Buffer.from(this.#isFirst ? text : `\n\n${text}`));
    this.#isFirst = false;
  }
}
