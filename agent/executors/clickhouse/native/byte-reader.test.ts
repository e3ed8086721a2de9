import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ByteReader } from './byte-reader.ts';
import { ByteWriter } from './byte-writer.ts';
import { ConnectionError, ProtocolError } from './native-error.ts';
import { inChunks } from './testing/chunks.ts';

const sizes = fc.array(fc.integer({ min: 1, max: 7 }), { maxLength: 400 });
const numbers = fc.oneof(fc.nat(300), fc.maxSafeNat());

describe('ByteReader', () => {
  it('reads what ByteWriter wrote, wherever the chunks end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.tuple(numbers, fc.string({ unit: 'grapheme' }))), sizes, async (items, chunks) => {
        const writer = new ByteWriter();
        for (const [number, text] of items) writer.varUint(number).string(text).byte(7).string(text);
        const reader = new ByteReader(inChunks(writer.take(), chunks));
        for (const [number, text] of items) {
          expect(await reader.varUint()).toBe(number);
          expect(await reader.text()).toBe(text);
          expect(await reader.byte()).toBe(7);
          expect(await reader.strings(1)).toEqual([text]);
        }
        expect(reader.hasBuffered).toBe(false);
      }),
    );
  });

  it('reads many strings and many bytes at once', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.string({ unit: 'grapheme' })),
        fc.uint8Array(),
        sizes,
        async (texts, bytes, chunks) => {
          const writer = new ByteWriter();
          for (const text of texts) writer.string(text);
          const reader = new ByteReader(inChunks(writer.bytes(bytes).take(), chunks));
          expect(await reader.strings(texts.length)).toEqual(texts);
          expect(new Uint8Array(await reader.bytes(bytes.length))).toEqual(bytes);
        },
      ),
    );
  });

  it('says that the server closed the connection when bytes are missing', async () => {
    const reader = (): ByteReader => new ByteReader(inChunks(Buffer.from([200]), []));
    await expect(reader().varUint()).rejects.toThrow(ConnectionError);
    await expect(reader().bytes(2)).rejects.toThrow(ConnectionError);
    await expect(reader().strings(1)).rejects.toThrow(ConnectionError);
  });

  it('takes no more than a packet may have, and takes no memory for what is only announced', async () => {
    const announced = new ByteWriter().varUint(2 ** 50).take();
    await expect(new ByteReader(inChunks(announced, [])).strings(1)).rejects.toThrow(ProtocolError);
    await expect(new ByteReader(inChunks(announced, [])).text()).rejects.toThrow(ProtocolError);
    const reader = new ByteReader(inChunks(Buffer.alloc(100), []), 10);
    await reader.bytes(8);
    reader.beginPacket();
    await reader.bytes(10);
    await expect(reader.bytes(1)).rejects.toThrow('a packet of more than 10 bytes');
  });

  it('refuses numbers that JavaScript cannot hold', async () => {
    for (const bytes of [Buffer.alloc(20, 0xff), Buffer.from([255, 255, 255, 255, 255, 255, 255, 255, 1])])
      await expect(new ByteReader(inChunks(bytes, [])).varUint()).rejects.toThrow(ProtocolError);
  });
});
