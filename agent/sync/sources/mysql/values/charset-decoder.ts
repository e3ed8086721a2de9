import type { RowSource } from '../../../../executors/mysql/backup/table-facts.ts';

/** Makes text of bytes in a character set. */
export type TextDecoding = (bytes: Buffer, from: number, to: number) => string;

const utf8: TextDecoding = (bytes, from, to) => bytes.toString('utf8', from, to);
/** Big-endian. */
const utf16: TextDecoding = (bytes, from, to) => Buffer.from(bytes.subarray(from, to)).swap16().toString('utf16le');
const utf32: TextDecoding = (bytes, from, to) => {
  let text = '';
  for (let at = from; at + 4 <= to; at += 4) text += String.fromCodePoint(bytes.readUInt32BE(at));
  return text;
};
const gb18030 = new TextDecoder('gb18030', { ignoreBOM: true });

/** What needs no table. */
const KNOWN: Readonly<Record<string, TextDecoding>> = {
  utf8,
  utf8mb3: utf8,
  utf8mb4: utf8,
  ascii: utf8,
  ucs2: utf16,
  utf16,
  utf32,
  utf16le: (bytes, from, to) => bytes.toString('utf16le', from, to),
  gb18030: (bytes, from, to) => gb18030.decode(bytes.subarray(from, to)),
};

const DIGITS = Array.from({ length: 16 }, (_, digit) => `SELECT ${digit} AS n`).join(' UNION ALL ');
const NAME = /^[a-z0-9_]+$/;
/** Announces three bytes in the two sets that have such. */
const THREE_BYTES = 0x8f;

/** Reads text as the server itself does: where Node may read it otherwise, by a table that the server gives. */
export class CharsetDecoders {
  readonly #loaded = new Map<string, Promise<TextDecoding>>();

  /** Undefined: to be loaded first. */
  known(charset: string): TextDecoding | undefined {
    return KNOWN[charset];
  }

  /** Asks a session for the table once; it must be of strict mode. Rejects as the session does. */
  load(charset: string, session: RowSource): Promise<TextDecoding> {
    const known = KNOWN[charset];
    if (known !== undefined) return Promise.resolve(known);
    let loading = this.#loaded.get(charset);
    if (loading === undefined) {
      loading = loadTable(charset, session);
      this.#loaded.set(charset, loading);
      loading.catch(() => this.#loaded.delete(charset));
    }
    return loading;
  }
}

async function loadTable(charset: string, session: RowSource): Promise<TextDecoding> {
  if (!NAME.test(charset)) throw new Error(`'${charset}' is no character set`);
  const [about] = await session.rows(
    `SELECT MAXLEN AS most FROM information_schema.CHARACTER_SETS WHERE CHARACTER_SET_NAME = '${charset}'`,
  );
  const most = Number(about?.['most'] ?? 0);
  const single = await charactersFrom(session, charset, 0, 2);
  if (most === 1) return (bytes, from, to) => decode(bytes, from, to, { single });
  const double = await charactersFrom(session, charset, 0, 4);
  const triple = most > 2 ? await charactersFrom(session, charset, THREE_BYTES * 0x1_0000, 4) : undefined;
  return (bytes, from, to) => decode(bytes, from, to, { single, double, triple });
}

interface Tables {
  /** Undefined: a byte that others follow. */
  readonly single: readonly (string | undefined)[];
  readonly double?: readonly (string | undefined)[];
  readonly triple?: readonly (string | undefined)[] | undefined;
}

function decode(bytes: Buffer, from: number, to: number, { single, double, triple }: Tables): string {
  let text = '';
  for (let at = from; at < to; at += 1) {
    const first = bytes[at] ?? 0;
    const alone = single[first];
    if (alone !== undefined) {
      text += alone;
      continue;
    }
    const isTriple = triple !== undefined && first === THREE_BYTES;
    const pair = isTriple ? ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0) : (first << 8) | (bytes[at + 1] ?? 0);
    const character = (isTriple ? triple : double)?.[pair];
    text += character ?? '?';
    if (character !== undefined) at += isTriple ? 2 : 1;
  }
  return text;
}

/** The characters of all numbers of so many hexadecimal digits, added to the base; holes where there is none. */
async function charactersFrom(
  session: RowSource,
  charset: string,
  base: number,
  digits: 2 | 4,
): Promise<(string | undefined)[]> {
  const places = ['a', 'b', 'c', 'd'].slice(4 - digits);
  const number = places.map((place, index) => `${place}.n * ${16 ** (digits - 1 - index)}`).join(' + ');
  const tables = places.map((place) => `(${DIGITS}) ${place}`).join(' JOIN ');
  const rows = await session.rows(
    `SELECT n, HEX(CONVERT(CHAR(${base} + n USING ${charset}) USING utf8mb4)) AS text FROM (SELECT ${number} AS n FROM ${tables}) numbers${digits === 4 ? ' WHERE n >= 0x8000' : ''}`,
  );
  const characters: (string | undefined)[] = [];
  for (const { n, text } of rows)
    if (text !== null && text !== undefined) characters[Number(n)] = Buffer.from(text, 'hex').toString();
  return characters;
}
