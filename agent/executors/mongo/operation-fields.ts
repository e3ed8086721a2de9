import { BSON, Long } from 'mongodb';
import type { Document } from 'mongodb';
import { findServerJavascript } from './server-javascript.ts';

/** The command is no operation; the message says which and why. */
export class OperationInvalid extends Error {
  override readonly name = 'OperationInvalid';
}

/** What a server of any version stores at most (maxBsonObjectSize). */
const MAX_DOCUMENT_BYTES = 16 * 1024 * 1024;

export const isDocument = (value: unknown): value is Document =>
  typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/** Reads the fields of one operation; each method throws `OperationInvalid` when a field cannot be. */
export class OperationFields {
  readonly number: number;
  readonly #fields: Readonly<Record<string, unknown>>;
  readonly #known = new Set(['operation']);
  readonly #javascript: boolean;

  constructor(number: number, fields: Readonly<Record<string, unknown>>, allowJavascript: boolean) {
    this.number = number;
    this.#fields = fields;
    this.#javascript = allowJavascript;
  }

  invalid(problem: string): never {
    throw new OperationInvalid(`Operation ${this.number}: ${problem}`);
  }

  /** Undefined where the field is absent or null. */
  value(key: string): unknown {
    this.#known.add(key);
    return this.#fields[key] ?? undefined;
  }

  text(key: string): string {
    const value = this.value(key);
    if (value === undefined || value === '') return this.invalid(`${key} is required`);
    if (typeof value !== 'string' || value.includes('\0')) return this.invalid(`${key} must be a string`);
    return value;
  }

  collection(): string {
    const name = this.text('collection');
    return name.includes('$') ? this.invalid('collection may not hold $') : name;
  }

  boolean(key: string, unless: boolean): boolean {
    const value = this.value(key) ?? unless;
    return typeof value === 'boolean' ? value : this.invalid(`${key} must be true or false`);
  }

  /** How many documents. */
  amount(key: string): number | undefined {
    const value = this.value(key);
    const amount = value instanceof Long ? value.toNumber() : value;
    if (amount === undefined) return undefined;
    return typeof amount === 'number' && Number.isSafeInteger(amount) && amount >= 0
      ? amount
      : this.invalid(`${key} must be a whole number from 0`);
  }

  document(key: string): Document {
    return this.optionalDocument(key) ?? this.invalid(`${key} is required`);
  }

  /** A document that the server evaluates: a filter, a projection, a sort. */
  optionalDocument(key: string): Document | undefined {
    const value = this.value(key);
    if (value === undefined) return undefined;
    return isDocument(value) ? this.evaluated(key, value) : this.invalid(`${key} must be an object`);
  }

  documents(key: string): readonly Document[] {
    const value = this.value(key);
    if (value === undefined) return this.invalid(`${key} is required`);
    if (!Array.isArray(value)) return this.invalid(`${key} must be an array`);
    const strange = value.findIndex((item) => !isDocument(item));
    return strange === -1 ? (value as Document[]) : this.invalid(`${key}[${strange}] must be an object`);
  }

  /** Documents that the server stores. */
  stored(key: string): readonly Document[] {
    const documents = this.documents(key);
    if (documents.length === 0) return this.invalid(`${key} is empty`);
    const large = documents.findIndex((document) => BSON.calculateObjectSize(document) > MAX_DOCUMENT_BYTES);
    return large === -1
      ? documents
      : this.invalid(`${key}[${large}] takes more than the ${MAX_DOCUMENT_BYTES} bytes that a document may have`);
  }

  /** `value`, unless it holds JavaScript that the task may not use. */
  evaluated<T>(key: string, value: T): T {
    const found = this.#javascript ? undefined : findServerJavascript(value);
    return found === undefined
      ? value
      : this.invalid(
          `${key} uses ${found}: JavaScript on the server is refused unless exec_options.allow_javascript is true`,
        );
  }

  /** Those of the fields that are there, passed on as they are. */
  extras(...keys: readonly string[]): Document {
    const there = keys.map((key) => [key, this.value(key)] as const).filter(([, value]) => value !== undefined);
    return this.evaluated(keys.join(', '), Object.fromEntries(there));
  }

  /** Refuses what no method was asked for. */
  end(kind: string): void {
    const strange = Object.keys(this.#fields).filter((key) => !this.#known.has(key));
    if (strange.length > 0)
      this.invalid(`${kind} has no ${strange.join(', ')}; it has ${[...this.#known].slice(1).join(', ')}`);
  }
}
