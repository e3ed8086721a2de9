import { badRequest } from '../status-error.ts';
import { MESSAGES } from './messages.ts';
import type { Field, FieldType, Message } from './messages.ts';

export const PROTOBUF = 'application/vnd.kubernetes.protobuf';

/** What every encoded object begins with (apimachinery/pkg/runtime/serializer/protobuf). */
const MAGIC = 'k8s\0';
const TYPE_META: Message = { 1: { name: 'apiVersion', type: 'string' }, 2: { name: 'kind', type: 'string' } };
const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

type Members = Record<string, unknown>;

/**
 * Decodes an object that was encoded as a protocol buffer, which kubectl does for built-in kinds. Undefined for kinds
 * that are not known in this form; throws 400 for bytes that are no such object.
 */
export function decodeObject(bytes: Buffer): Members | undefined {
  if (bytes.subarray(0, 4).toString('latin1') !== MAGIC)
    throw badRequest(`provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]`);
  try {
    return decodeUnknown(new Reader(bytes.subarray(4)));
  } catch (err) {
    if (err instanceof RangeError) throw badRequest(`the protobuf message is broken: ${err.message}`);
    throw err;
  }
}

function decodeUnknown(reader: Reader): Members | undefined {
  let type: Members = {};
  let raw: Buffer = Buffer.alloc(0);
  while (!reader.atEnd) {
    const { number, wire } = reader.tag();
    if (wire !== LENGTH_DELIMITED) reader.skip(wire);
    else if (number === 1) type = decodeMessage(new Reader(reader.bytes()), TYPE_META);
    else if (number === 2) raw = reader.bytes();
    else reader.bytes();
  }
  const { apiVersion, kind } = type as { apiVersion?: string; kind?: string };
  const message = MESSAGES[kind === 'DeleteOptions' ? kind : `${apiVersion ?? ''} ${kind ?? ''}`];
  return message && { apiVersion, kind, ...decodeMessage(new Reader(raw), message) };
}

function decodeMessage(reader: Reader, message: Message): Members {
  const members: Members = {};
  while (!reader.atEnd) {
    const { number, wire } = reader.tag();
    const field = message[number];
    if (field === undefined) reader.skip(wire);
    else addField(members, field, reader, wire);
  }
  return members;
}

function addField(members: Members, { name, type, repeated }: Field, reader: Reader, wire: number): void {
  if (typeof type === 'object' && 'mapTo' in type) {
    const decoded = decodeMessage(new Reader(reader.bytes()), ENTRIES[type.mapTo]) as { key?: string; value?: string };
    const map = (members[name] ??= {}) as Record<string, string>;
    Object.defineProperty(map, decoded.key ?? '', {
      value: decoded.value ?? '',
      enumerable: true,
      configurable: true,
      writable: true,
    });
    return;
  }
  if (wire !== (type === 'integer' || type === 'boolean' ? VARINT : LENGTH_DELIMITED))
    throw new RangeError(`field ${name} has the wrong wire type`);
  const value = decodeValue(type, reader);
  if (repeated === true) ((members[name] ??= []) as unknown[]).push(value);
  // Go's encoder writes empty strings; in JSON they are left out.
  else if (value !== '' && value !== undefined) members[name] = value;
}

const entryOf = (type: 'string' | 'bytes'): Message => ({
  1: { name: 'key', type: 'string' },
  2: { name: 'value', type },
});
const ENTRIES = { string: entryOf('string'), bytes: entryOf('bytes') } as const;

function decodeValue(type: Exclude<FieldType, { mapTo: unknown }>, reader: Reader): unknown {
  switch (type) {
    case 'string':
      return reader.bytes().toString('utf8');
    case 'bytes':
      return reader.bytes().toString('base64');
    case 'integer':
      return Number(BigInt.asIntN(64, reader.varint()));
    case 'boolean':
      return reader.varint() !== 0n;
    case 'time':
    case 'microTime':
      return decodeTime(new Reader(reader.bytes()), type);
    default:
      return decodeMessage(new Reader(reader.bytes()), type.message);
  }
}

const TIME: Message = { 1: { name: 'seconds', type: 'integer' }, 2: { name: 'nanos', type: 'integer' } };

/** Undefined for the empty message, which stands for no time. */
function decodeTime(reader: Reader, type: 'time' | 'microTime'): string | undefined {
  const { seconds, nanos = 0 } = decodeMessage(reader, TIME) as { seconds?: number; nanos?: number };
  if (seconds === undefined) return undefined;
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return type === 'time' ? `${text}Z` : `${text}.${String(Math.trunc(nanos / 1000)).padStart(6, '0')}Z`;
}

/** Reads the wire format of protocol buffers. Throws RangeError where the bytes end too soon. */
class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  tag(): { number: number; wire: number } {
    const tag = Number(this.varint());
    return { number: Math.floor(tag / 8), wire: tag % 8 };
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.#bytes[this.#at];
      if (byte === undefined) throw new RangeError('unexpected EOF');
      this.#at += 1;
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
    throw new RangeError('integer overflow');
  }

  bytes(): Buffer {
    const length = Number(this.varint());
    const start = this.#at;
    if (length > this.#bytes.length - start) throw new RangeError('unexpected EOF');
    this.#at += length;
    return this.#bytes.subarray(start, this.#at);
  }

  skip(wire: number): void {
    if (wire === VARINT) this.varint();
    else if (wire === LENGTH_DELIMITED) this.bytes();
    else if (wire === FIXED64) this.#at += 8;
    else if (wire === FIXED32) this.#at += 4;
    else throw new RangeError(`illegal wireType ${wire}`);
  }
}
