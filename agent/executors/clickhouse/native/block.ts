import type { ByteReader } from './byte-reader.ts';
import type { ByteWriter } from './byte-writer.ts';
import type { Codec, Value, Values } from './codecs/codec.ts';
import { createCodec } from './codecs/create-codec.ts';
import type { ServerDates } from './codecs/server-dates.ts';
import { ProtocolError } from './native-error.ts';
import { MAX_BLOCK_COLUMNS, MAX_BLOCK_ROWS } from './protocol.ts';

export interface BlockColumn {
  readonly name: string;
  readonly codec: Codec;
}

/** Some rows of a table or of an answer. One of no rows tells the columns; one of no columns ends the data. */
export interface Block {
  readonly columns: readonly BlockColumn[];
  readonly rows: number;
  /** By column. */
  readonly values: readonly Values[];
}

/** Reads what follows the packet type: the table's name, which is empty in answers, the block's properties, its columns. */
export async function readBlock(reader: ByteReader, dates: ServerDates): Promise<Block> {
  await reader.text();
  await skipProperties(reader);
  const count = await reader.varUint();
  const rows = await reader.varUint();
  if (count > MAX_BLOCK_COLUMNS || rows > MAX_BLOCK_ROWS || (count === 0 && rows > 0))
    throw new ProtocolError(`the server sent a block of ${count} columns and ${rows} rows`);
  const columns: BlockColumn[] = [];
  const values: Values[] = [];
  for (let i = 0; i < count; i += 1) {
    const name = await reader.text();
    const codec = createCodec(await reader.text(), name, dates);
    columns.push({ name, codec });
    // A block without rows has no bytes for its columns.
    values.push(rows === 0 ? () => null : await codec.read(reader, rows));
  }
  return { columns, rows, values };
}

/** Numbered fields that end with 0: 1 is a flag for rows over a limit, 2 the number of a bucket. */
async function skipProperties(reader: ByteReader): Promise<void> {
  for (;;) {
    const field = await reader.varUint();
    if (field === 0) return;
    if (field > 2) throw new ProtocolError(`the server sent a block with the property ${field}`);
    await reader.bytes(field === 1 ? 1 : 4);
  }
}

/** Writes a block, packet type excluded; without columns it ends the data. */
export function writeBlock(
  writer: ByteWriter,
  columns: readonly BlockColumn[],
  rows: readonly (readonly Value[])[],
): void {
  writer.string('').byte(1).byte(0).byte(2);
  // No bucket.
  writer.reserve(4).writeInt32LE(-1);
  writer.byte(0).varUint(columns.length).varUint(rows.length);
  columns.forEach(({ name, codec }, i) => {
    writer.string(name).string(codec.type);
    codec.write(
      writer,
      rows.map((row) => row[i] ?? codec.zero),
    );
  });
}
