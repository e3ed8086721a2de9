import { isDeeperThan } from '../../../kube/nesting.ts';
import { goQuote } from '../go-format.ts';

/** JSON text that cannot be parsed; the message is that of Go's encoding/json. */
export class JsonSyntaxError extends Error {
  override readonly name = 'JsonSyntaxError';
}

/** Parses JSON. Throws JsonSyntaxError with the words of Go's decoder, which clients of Kubernetes see. */
export function parseJson(text: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(text) as unknown;
  } catch {
    throw new JsonSyntaxError(explain(Buffer.from(text)));
  }
  // Shorter text cannot be that deep.
  if (text.length > 2 * MAX_DEPTH && isDeeperThan(value, MAX_DEPTH)) throw new JsonSyntaxError(TOO_DEEP);
  return value;
}

/** Go's decoder takes 10,000 levels; so many would overflow the stack here. */
const MAX_DEPTH = 1000;
const TOO_DEEP = 'exceeded max depth';

const END = 'unexpected end of JSON input';
const LITERALS: Readonly<Record<string, string>> = { t: 'true', f: 'false', n: 'null' };

/** Finds what Go's scanner stumbles over first: it reads bytes, not characters. */
function explain(bytes: Buffer): string {
  const scanner = new Scanner(bytes.toString('latin1'));
  try {
    scanner.value('looking for beginning of value');
    scanner.space();
    if (!scanner.atEnd) scanner.fail('after top-level value');
  } catch (err) {
    if (err instanceof JsonSyntaxError) return err.message;
    // The stack is exhausted.
    if (err instanceof RangeError) return TOO_DEEP;
    throw err;
  }
  return 'invalid JSON';
}

class Scanner {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  get atEnd(): boolean {
    return this.#at >= this.#text.length;
  }

  fail(context: string): never {
    if (this.atEnd) throw new JsonSyntaxError(END);
    throw new JsonSyntaxError(`invalid character ${quote(this.#text[this.#at] ?? '')} ${context}`);
  }

  space(): void {
    while (' \t\r\n'.includes(this.#text[this.#at] ?? '-')) this.#at += 1;
  }

  value(context: string): void {
    this.space();
    const first = this.#text[this.#at] ?? '';
    if (first === '{') this.#members();
    else if (first === '[') this.#items();
    else if (first === '"') this.#string();
    else if (first === '-' || isDigit(first)) this.#number();
    else if (LITERALS[first] !== undefined) this.#literal(LITERALS[first]);
    else this.fail(context);
  }

  #members(): void {
    this.#at += 1;
    this.space();
    if (this.#skip('}')) return;
    for (;;) {
      this.space();
      if (this.#text[this.#at] !== '"') this.fail('looking for beginning of object key string');
      this.#string();
      this.space();
      if (!this.#skip(':')) this.fail('after object key');
      this.value('looking for beginning of value');
      this.space();
      if (this.#skip('}')) return;
      if (!this.#skip(',')) this.fail('after object key:value pair');
    }
  }

  #items(): void {
    this.#at += 1;
    this.space();
    if (this.#skip(']')) return;
    for (;;) {
      this.value('looking for beginning of value');
      this.space();
      if (this.#skip(']')) return;
      if (!this.#skip(',')) this.fail('after array element');
    }
  }

  #string(): void {
    for (this.#at += 1; !this.#skip('"'); this.#at += 1) {
      if (this.atEnd || (this.#text[this.#at] ?? '') < ' ') this.fail('in string literal');
      if (this.#text[this.#at] !== '\\') continue;
      this.#at += 1;
      if (this.#text[this.#at] === 'u') {
        for (let digit = 0; digit < 4; digit += 1) {
          this.#at += 1;
          if (!/^[0-9a-fA-F]$/.test(this.#text[this.#at] ?? '')) this.fail('in \\u hexadecimal character escape');
        }
      } else if (!/^["\\/bfnrt]$/.test(this.#text[this.#at] ?? '')) this.fail('in string escape code');
    }
  }

  #number(): void {
    if (this.#skip('-') && !isDigit(this.#text[this.#at])) this.fail('in numeric literal');
    if (!this.#skip('0')) this.#digits();
    if (this.#skip('.')) {
      if (!isDigit(this.#text[this.#at])) this.fail('after decimal point in numeric literal');
      this.#digits();
    }
    if (!this.#skip('e') && !this.#skip('E')) return;
    if (!this.#skip('+')) this.#skip('-');
    if (!isDigit(this.#text[this.#at])) this.fail('in exponent of numeric literal');
    this.#digits();
  }

  #digits(): void {
    while (isDigit(this.#text[this.#at])) this.#at += 1;
  }

  #literal(word: string): void {
    for (const expected of word) {
      if (this.#text[this.#at] !== expected) this.fail(`in literal ${word} (expecting '${expected}')`);
      this.#at += 1;
    }
  }

  #skip(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }
}

function isDigit(character: string | undefined): boolean {
  return character !== undefined && character >= '0' && character <= '9';
}

/** A byte as Go's scanner shows it. */
function quote(byte: string): string {
  if (byte === "'") return `'\\''`;
  if (byte === '"') return `'"'`;
  return `'${goQuote(byte).slice(1, -1)}'`;
}
