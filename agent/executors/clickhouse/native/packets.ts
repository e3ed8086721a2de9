import { hostname } from 'node:os';
import { readBlock, writeBlock } from './block.ts';
import type { Block } from './block.ts';
import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { ServerDates } from './codecs/server-dates.ts';
import { ProtocolError, ServerException } from './native-error.ts';
import { ClientPacket, MAX_NESTED_EXCEPTIONS, QUOTA_KEY_REVISION, ServerPacket } from './protocol.ts';

/** What the server says it has done since it said so last. */
export interface Progress {
  readonly rows: number;
  readonly bytes: number;
  /** How many more rows there are to read, as far as it knows. */
  readonly totalRows: number;
}

export type Answer =
  | { readonly kind: 'data' | 'totals' | 'extremes'; readonly block: Block }
  | { readonly kind: 'progress'; readonly progress: Progress }
  | { readonly kind: 'profile'; readonly rows: number }
  | { readonly kind: 'pong' }
  | { readonly kind: 'end' };

export interface ServerHello {
  readonly name: string;
  readonly major: number;
  readonly minor: number;
  /** The server's own revision, which may be higher than the client's. */
  readonly revision: number;
  readonly timezone: string;
}

const CLIENT_NAME = 'tiangong';
const CLIENT_VERSION = [1, 0] as const;

export interface Login {
  readonly user: string;
  readonly password: string;
  readonly database: string;
}

export function writeHello(writer: ByteWriter, { user, password, database }: Login, revision: number): void {
  writer.varUint(ClientPacket.Hello).string(CLIENT_NAME).varUint(CLIENT_VERSION[0]).varUint(CLIENT_VERSION[1]);
  writer.varUint(revision).string(database).string(user).string(password);
}

/** What to do about a server that is silent, or says something else. */
export const ASK_HTTP = 'if it speaks HTTP there, set protocol: http';

/** Throws a `ServerException` when the server refuses the login. */
export async function readHello(reader: ByteReader): Promise<ServerHello> {
  reader.beginPacket();
  const type = await reader.varUint();
  if (type === ServerPacket.Exception) throw await readException(reader);
  if (type !== ServerPacket.Hello)
    throw new ProtocolError(`what answers there does not speak the native protocol of ClickHouse; ${ASK_HTTP}`);
  const name = await reader.text();
  const [major, minor, revision] = [await reader.varUint(), await reader.varUint(), await reader.varUint()];
  return { name, major, minor, revision, timezone: await reader.text() };
}

/** A query of its own, with no settings and no further tables. `revision` is that of both sides. */
export function writeQuery(writer: ByteWriter, queryId: string, text: string, revision: number): void {
  // An initial query, not one that a server passes on to another.
  writer.varUint(ClientPacket.Query).string(queryId).byte(1);
  writer.string('').string('').string('[::ffff:127.0.0.1]:0');
  // By TCP; the operating system's user, the host, the client.
  writer.byte(1).string('').string(hostname()).string(CLIENT_NAME);
  writer.varUint(CLIENT_VERSION[0]).varUint(CLIENT_VERSION[1]).varUint(revision);
  if (revision >= QUOTA_KEY_REVISION) writer.string('');
  // No settings, up to its end, not compressed.
  writer.string('').varUint(2).varUint(0).string(text);
  writeData(writer);
}

/** A block of rows; without any it ends the data. */
export function writeData(
  writer: ByteWriter,
  columns: Parameters<typeof writeBlock>[1] = [],
  rows: Parameters<typeof writeBlock>[2] = [],
): void {
  writer.varUint(ClientPacket.Data);
  writeBlock(writer, columns, rows);
}

/** The server's next packet. Throws a `ServerException` when that is one. */
export async function readAnswer(reader: ByteReader, dates: ServerDates): Promise<Answer> {
  reader.beginPacket();
  const type = await reader.varUint();
  switch (type) {
    case ServerPacket.Data:
      return { kind: 'data', block: await readBlock(reader, dates) };
    case ServerPacket.Totals:
      return { kind: 'totals', block: await readBlock(reader, dates) };
    case ServerPacket.Extremes:
      return { kind: 'extremes', block: await readBlock(reader, dates) };
    case ServerPacket.Exception:
      throw await readException(reader);
    case ServerPacket.Progress: {
      const [rows, bytes, totalRows] = [await reader.varUint(), await reader.varUint(), await reader.varUint()];
      return { kind: 'progress', progress: { rows, bytes, totalRows } };
    }
    case ServerPacket.ProfileInfo: {
      const rows = await reader.varUint();
      // Blocks, bytes, whether a limit was applied, rows before it, whether they were counted.
      for (let i = 0; i < 5; i += 1) await reader.varUint();
      return { kind: 'profile', rows };
    }
    case ServerPacket.Pong:
      return { kind: 'pong' };
    case ServerPacket.EndOfStream:
      return { kind: 'end' };
    default:
      throw new ProtocolError(`the server sent a packet of the unknown type ${type}`);
  }
}

/** An exception and those that caused it; the outermost one tells. Their stack traces are of no use to users. */
async function readException(reader: ByteReader): Promise<ServerException> {
  let outermost: ServerException | undefined;
  for (let depth = 0; depth < MAX_NESTED_EXCEPTIONS; depth += 1) {
    const code = (await reader.bytes(4)).readInt32LE();
    const name = await reader.text();
    const message = await reader.text();
    await reader.text();
    outermost ??= new ServerException(code, message === '' ? name : message);
    if ((await reader.byte()) === 0) return outermost;
  }
  throw new ProtocolError('the server sent an exception with too many causes');
}
