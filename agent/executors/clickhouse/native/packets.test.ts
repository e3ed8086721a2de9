import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { ServerDates } from './codecs/server-dates.ts';
import { ConnectionError, ProtocolError, ServerException, UnsupportedType } from './native-error.ts';
import { readAnswer, readHello } from './packets.ts';
import type { Answer } from './packets.ts';
import { MAX_BLOCK_ROWS } from './protocol.ts';
import { inChunks } from './testing/chunks.ts';

const dates = new ServerDates({ timezone: 'UTC', major: 18 });
const answer = (bytes: Buffer): Promise<Answer> => readAnswer(new ByteReader(inChunks(bytes, [])), dates);
const block = (columns: number, rows: number): ByteWriter =>
  new ByteWriter().varUint(1).string('').byte(0).varUint(columns).varUint(rows);

function exception(depth: number): Buffer {
  const writer = new ByteWriter().varUint(2);
  for (let i = 0; i < depth; i += 1) {
    writer.reserve(4).writeInt32LE(60 + i);
    writer
      .string('DB::Exception')
      .string(`message ${i}`)
      .string('stack')
      .byte(i + 1 < depth ? 1 : 0);
  }
  return writer.take();
}

describe('readAnswer', () => {
  it('throws the outermost of nested exceptions', async () => {
    await expect(answer(exception(3))).rejects.toMatchObject({
      name: 'ServerException',
      code: 60,
      message: 'message 0',
    });
    await expect(answer(exception(100))).rejects.toThrow(ProtocolError);
  });

  it('refuses blocks beyond all bounds before it takes memory for them', async () => {
    for (const writer of [block(1, MAX_BLOCK_ROWS + 1), block(1_000_000, 1), block(0, 5)])
      await expect(answer(writer.take())).rejects.toThrow(ProtocolError);
    await expect(answer(block(1, MAX_BLOCK_ROWS).string('a').string('FixedString(1000)').take())).rejects.toThrow(
      'a packet of more than',
    );
  });

  it('names the column of a type that it does not know', async () => {
    await expect(answer(block(1, 1).string('total').string('Map(String, Int8)').take())).rejects.toThrow(
      'type Map(String, Int8) of column total is not supported',
    );
  });

  it('ends on any bytes with a packet or one of its errors', async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 5 }), { maxLength: 100 });
    const head = fc.constantFrom([], [1, 0, 0, 1, 1, 1, 97, 6, ...Buffer.from('String')], [2], [3], [6]);
    await fc.assert(
      fc.asyncProperty(head, fc.uint8Array({ maxLength: 200 }), sizes, async (start, rest, chunks) => {
        const reader = new ByteReader(inChunks(Buffer.from([...start, ...rest]), chunks));
        try {
          for (;;) await readAnswer(reader, dates);
        } catch (err) {
          expect([ConnectionError, ProtocolError, ServerException, UnsupportedType]).toContain(
            (err as Error).constructor,
          );
        }
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('readHello', () => {
  const hello = (bytes: Buffer): ReturnType<typeof readHello> => readHello(new ByteReader(inChunks(bytes, [])));

  it('says when something else answers there', async () => {
    await expect(hello(Buffer.from('HTTP/1.0 400 Bad Request'))).rejects.toThrow('does not speak the native protocol');
  });

  it('throws when the login is refused', async () => {
    await expect(hello(exception(1))).rejects.toThrow(ServerException);
  });
});
