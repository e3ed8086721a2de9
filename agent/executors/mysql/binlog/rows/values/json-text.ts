import { BinlogError } from '../../binlog-error.ts';
import { jsonDouble } from './json-double.ts';
import { opaqueText } from './json-opaque.ts';
import type { OpaqueText } from './json-opaque.ts';

/**
 * A document as text. `inexact`: what a document that is read from the text would not have; undefined for none. Whether
 * an integer has a sign does not count: such values are equal, and print alike. `sql`: where the text is inexact, an
 * expression that gives the document all the same; undefined: there is none.
 */
export interface JsonText {
  readonly text: string;
  readonly inexact: string | undefined;
  readonly sql?: string;
}

/** Types of values in MySQL's binary JSON (json_binary.h). */
const Type = {
  SmallObject: 0,
  LargeObject: 1,
  SmallArray: 2,
  LargeArray: 3,
  Literal: 4,
  Int16: 5,
  Uint16: 6,
  Int32: 7,
  Uint32: 8,
  Int64: 9,
  Uint64: 10,
  Double: 11,
  String: 12,
  Opaque: 15,
} as const;

const LITERALS = ['null', 'true', 'false'] as const;
/** The server takes no more than 100. */
const MAX_DEPTH = 101;
const MAX_LENGTH_BYTES = 5;
const ESCAPES: Readonly<Record<string, string>> = { '\b': 'b', '\t': 't', '\n': 'n', '\f': 'f', '\r': 'r' };

const TO_ESCAPE = /["\\\u0000-\u001f]/g;

/** How a document is written. */
interface JsonForm {
  /** `text`: as JSON has it. */
  scalar(text: string): string;
  opaque(value: OpaqueText): string;
  member(key: string, value: string): string;
  object(members: readonly string[]): string;
  array(items: readonly string[]): string;
}

const TEXT: JsonForm = {
  scalar: (text) => text,
  opaque: ({ text }) => text,
  member: (key, value) => `${quoted(key)}: ${value}`,
  object: (members) => `{${members.join(', ')}}`,
  array: (items) => `[${items.join(', ')}]`,
};

const SQL: JsonForm = {
  scalar: (text) => `CAST(${hex(text)} AS JSON)`,
  opaque: ({ sql, text }) => sql ?? hex(text),
  member: (key, value) => `${hex(key)}, ${value}`,
  object: (members) => `JSON_OBJECT(${members.join(', ')})`,
  array: (items) => `JSON_ARRAY(${items.join(', ')})`,
};

const hex = (text: string): string => `_utf8mb4 ${text === '' ? "''" : `0x${Buffer.from(text).toString('hex')}`}`;

/** A JSON value of a row image as `CAST(j AS CHAR)` prints it. Throws `Malformed`. */
export function jsonText(bytes: Buffer): JsonText {
  // The server itself takes no bytes at all for null.
  if (bytes.length === 0) return { text: 'null', inexact: undefined };
  const read = (form: JsonForm): { readonly written: string; readonly document: JsonDocument } => {
    const document = new JsonDocument(bytes.length, form);
    return { written: document.value(bytes[0] ?? 0, bytes.subarray(1), 0), document };
  };
  const { written: text, document } = read(TEXT);
  const { inexact, isExpressible } = document;
  if (inexact === undefined || !isExpressible) return { text, inexact };
  return { text, inexact, sql: read(SQL).written };
}

class JsonDocument {
  inexact: string | undefined;
  /** Whether there is SQL for all that it holds. */
  isExpressible = true;
  /** Every byte is read once: places that many values share would make a short document endless. */
  #left: number;
  readonly #form: JsonForm;

  constructor(bytes: number, form: JsonForm) {
    this.#left = bytes;
    this.#form = form;
  }

  value(type: number, data: Buffer, depth: number): string {
    switch (type) {
      case Type.SmallObject:
      case Type.SmallArray:
        return this.#container(data, type === Type.SmallObject, 2, depth);
      case Type.LargeObject:
      case Type.LargeArray:
        return this.#container(data, type === Type.LargeObject, 4, depth);
      case Type.Opaque: {
        const opaque = opaqueText(uintAt(data, 0, 1), this.#spent(prefixed(data, 1)));
        if (opaque === undefined) return malformed('a value of another size than its type has');
        this.inexact ??= `the document holds a value of the type ${opaque.type}, which its text does not name`;
        this.isExpressible &&= opaque.sql !== undefined;
        return this.#form.opaque(opaque);
      }
      default:
        return this.#form.scalar(this.#scalar(type, data));
    }
  }

  #scalar(type: number, data: Buffer): string {
    switch (type) {
      case Type.Literal:
        return LITERALS[uintAt(data, 0, 1)] ?? malformed('a literal that is not known');
      case Type.Int16:
        return String(part(data, 0, 2).readInt16LE(0));
      case Type.Int32:
        return String(part(data, 0, 4).readInt32LE(0));
      case Type.Int64:
        return String(part(data, 0, 8).readBigInt64LE(0));
      case Type.Uint16:
        return String(uintAt(data, 0, 2));
      case Type.Uint32:
        return String(uintAt(data, 0, 4));
      case Type.Uint64:
        return String(part(data, 0, 8).readBigUInt64LE(0));
      case Type.Double:
        return jsonDouble(part(data, 0, 8).readDoubleLE(0));
      case Type.String:
        return quoted(this.#spent(prefixed(data, 0)).toString('utf8'));
      default:
        return malformed(`a value of the type ${type}, which is not known`);
    }
  }

  /** Count and bytes of all, then keys' places and lengths, then values' types and places or short values. */
  #container(data: Buffer, isObject: boolean, width: 2 | 4, depth: number): string {
    if (depth >= MAX_DEPTH) return malformed(`more than ${MAX_DEPTH} levels`);
    const count = uintAt(data, 0, width);
    const all = part(data, 0, uintAt(data, width, width));
    const keys = 2 * width;
    const values = keys + (isObject ? count * (width + 2) : 0);
    this.#spent(part(all, keys, values - keys + count * (width + 1)));
    const items: string[] = [];
    for (let index = 0; index < count; index += 1) {
      const key = keys + index * (width + 2);
      const entry = values + index * (width + 1);
      const value = this.#entry(all, entry, width, depth);
      items.push(isObject ? this.#form.member(this.#key(all, key, width), value) : value);
    }
    return isObject ? this.#form.object(items) : this.#form.array(items);
  }

  #key(all: Buffer, at: number, width: 2 | 4): string {
    return this.#spent(part(all, uintAt(all, at, width), uintAt(all, at + width, 2))).toString('utf8');
  }

  #spent(bytes: Buffer): Buffer {
    this.#left -= bytes.length;
    return this.#left < 0 ? malformed('places that values share') : bytes;
  }

  #entry(all: Buffer, at: number, width: 2 | 4, depth: number): string {
    const type = uintAt(all, at, 1);
    if (isInlined(type, width)) return this.value(type, part(all, at + 1, width), depth + 1);
    const offset = uintAt(all, at + 1, width);
    return this.value(type, part(all, offset, all.length - offset), depth + 1);
  }
}

/** Values that are no longer than a place stand in its stead. */
const isInlined = (type: number, width: 2 | 4): boolean =>
  type === Type.Literal ||
  type === Type.Int16 ||
  type === Type.Uint16 ||
  (width === 4 && (type === Type.Int32 || type === Type.Uint32));

/** Bytes with their length before them: seven bits a byte, low ones first. */
function prefixed(data: Buffer, start: number): Buffer {
  let length = 0;
  for (let index = 0; index < MAX_LENGTH_BYTES; index += 1) {
    const byte = uintAt(data, start + index, 1);
    length += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return part(data, start + index + 1, length);
  }
  return malformed('a length of too many bytes');
}

const uintAt = (data: Buffer, at: number, bytes: number): number => part(data, at, bytes).readUIntLE(0, bytes);

function part(data: Buffer, at: number, bytes: number): Buffer {
  return at + bytes > data.length ? malformed('a place behind its end') : data.subarray(at, at + bytes);
}

const quoted = (text: string): string =>
  `"${text.replace(TO_ESCAPE, (char) => (char === '"' || char === '\\' ? `\\${char}` : escaped(char)))}"`;

const escaped = (char: string): string =>
  `\\${ESCAPES[char] ?? `u${char.charCodeAt(0).toString(16).padStart(4, '0')}`}`;

function malformed(what: string): never {
  throw new BinlogError('Malformed', `a JSON document in the log has ${what}`);
}
