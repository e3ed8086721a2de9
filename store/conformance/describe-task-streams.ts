import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Store } from '../store.ts';
import { indexLogChunk } from '../log-chunk.ts';
import type { LogLine } from '../log-chunk.ts';
import type { Chunk, StreamId, TaskStreams } from '../task-streams.ts';

/** Opens an empty store; `await using` closes and removes it. */
export type MakeStore = (options?: { maxBytes?: number }) => Promise<Store & AsyncDisposable>;

let uids = 0;
const newId = (name: StreamId['name']): StreamId => ({ uid: `uid-${(uids += 1)}`, epoch: 1, name });
const chunkOf = (text: string, final = false): Chunk => ({ bytes: Buffer.from(text), final });

function logChunk(from: number, to: number, final = false): Chunk {
  let text = '';
  for (let id = from; id <= to; id += 1)
    text += `${JSON.stringify({ id, level: 'info', timestamp: '2026-01-01T00:00:00.000Z', message: `line ${id}` })}\n`;
  const bytes = Buffer.from(text);
  return { bytes, final, lines: indexLogChunk(bytes) };
}

async function readAll(streams: TaskStreams, id: StreamId, start?: number): Promise<string> {
  const parts: Uint8Array[] = [];
  for await (const part of streams.read(id, start)) parts.push(part);
  return Buffer.concat(parts).toString();
}

async function linesAfter(streams: TaskStreams, id: StreamId, after: number): Promise<number[]> {
  const lines: LogLine[] = [];
  for await (const batch of streams.lines(id, after)) lines.push(...batch);
  return lines.map((line) => line.id);
}

const range = (from: number, to: number): number[] => Array.from({ length: to - from + 1 }, (_, index) => from + index);

/** What every implementation of TaskStreams does. */
export function describeTaskStreams(name: string, makeStore: MakeStore): void {
  describe(`${name}: streams of tasks`, () => {
    it('begin empty', async () => {
      await using store = await makeStore();
      const id = newId('result');
      expect(await store.streams.state(id)).toEqual({ next: 0, bytes: 0, complete: false, lastLine: 0 });
      expect(await readAll(store.streams, id)).toBe('');
      expect(await linesAfter(store.streams, newId('log'), 0)).toEqual([]);
    });

    it('hold the chunks in the order of their numbers and end with the final one', async () => {
      await using store = await makeStore();
      const id = newId('result');
      expect(await store.streams.append(id, 0, chunkOf('Hello '))).toMatchObject({ next: 1, complete: false });
      expect(await store.streams.append(id, 1, chunkOf('World', true))).toMatchObject({ next: 2, complete: true });
      expect(await store.streams.state(id)).toEqual({ next: 2, bytes: 11, complete: true, lastLine: 0 });
      expect(await readAll(store.streams, id)).toBe('Hello World');
      expect(await readAll(store.streams, id, 6)).toBe('World');
      expect(await readAll(store.streams, id, 99)).toBe('');
    });

    it('take an empty final chunk', async () => {
      await using store = await makeStore();
      const id = newId('result');
      expect(await store.streams.append(id, 0, chunkOf('', true))).toMatchObject({ next: 1, complete: true });
      expect(await readAll(store.streams, id)).toBe('');
    });

    it('know a chunk that came before, refuse one out of order, and refuse any after the final one', async () => {
      await using store = await makeStore();
      const id = newId('result');
      await store.streams.append(id, 0, chunkOf('a'));
      expect(await store.streams.append(id, 0, chunkOf('other'))).toMatchObject({ next: 1, bytes: 1 });
      await expect(store.streams.append(id, 2, chunkOf('c'))).rejects.toMatchObject({
        code: 'ChunkOutOfOrder',
        next: 1,
      });
      await store.streams.append(id, 1, chunkOf('b', true));
      await expect(store.streams.append(id, 2, chunkOf('c'))).rejects.toMatchObject({
        code: 'StreamComplete',
        next: 2,
      });
      expect(await readAll(store.streams, id)).toBe('ab');
    });

    it('are the same whatever order, however often and how many at a time their chunks are delivered', async () => {
      await using store = await makeStore();
      const deliveries = fc
        .array(fc.string({ minLength: 0, maxLength: 40 }), { minLength: 1, maxLength: 8 })
        .chain((texts) =>
          fc.record({
            texts: fc.constant(texts),
            // Any interleaving with any duplicates, then everything once in order, as an agent does in the end.
            order: fc.array(fc.nat({ max: texts.length - 1 }), { maxLength: 24 }),
          }),
        );
      await fc.assert(
        fc.asyncProperty(deliveries, async ({ texts, order }) => {
          const id = newId('result');
          const append = (n: number): Promise<unknown> =>
            store.streams.append(id, n, chunkOf(texts[n] ?? '', n === texts.length - 1)).catch((err: unknown) => err);
          await Promise.all(order.map(append));
          for (const n of texts.keys()) await append(n);
          expect(await readAll(store.streams, id)).toBe(texts.join(''));
          expect(await store.streams.state(id)).toMatchObject({ next: texts.length, complete: true });
        }),
        { numRuns: 40 },
      );
    });

    it('find the lines of a log after an id', async () => {
      await using store = await makeStore();
      const id = newId('log');
      const total = 5000;
      for (let n = 0; n * 500 < total; n += 1)
        await store.streams.append(id, n, logChunk(n * 500 + 1, (n + 1) * 500, (n + 1) * 500 === total));
      for (const after of [0, 1, 499, 500, 501, 2500, 4321, 4999, 5000, 9999])
        expect(await linesAfter(store.streams, id, after), `after ${after}`).toEqual(range(after + 1, total));
      expect(await store.streams.state(id)).toMatchObject({ lastLine: total, complete: true });
    });

    it('refuse log lines whose ids do not grow from chunk to chunk', async () => {
      await using store = await makeStore();
      const id = newId('log');
      await store.streams.append(id, 0, logChunk(1, 10));
      await expect(store.streams.append(id, 1, logChunk(10, 11))).rejects.toMatchObject({ code: 'ChunkInvalid' });
      expect(await store.streams.append(id, 1, logChunk(15, 16))).toMatchObject({ next: 2, lastLine: 16 });
    });

    it('keep epochs and streams of a task apart', async () => {
      await using store = await makeStore();
      const id = newId('result');
      await store.streams.append(id, 0, chunkOf('first'));
      await store.streams.append({ ...id, epoch: 2 }, 0, chunkOf('second'));
      await store.streams.append({ ...id, name: 'log' }, 0, logChunk(1, 1));
      expect(await readAll(store.streams, id)).toBe('first');
      expect(await readAll(store.streams, { ...id, epoch: 2 })).toBe('second');
    });

    it.each(['', '..', '../x', 'a/b', 'a\0b', 'x'.repeat(65)])('refuse the uid %j', async (uid) => {
      await using store = await makeStore();
      const append = async (): Promise<unknown> => store.streams.append({ ...newId('log'), uid }, 0, chunkOf('x'));
      await expect(append()).rejects.toMatchObject({ code: 'InvalidName' });
    });

    it('tell listeners of an append, of this task only', async () => {
      await using store = await makeStore();
      const [id, other] = [newId('result'), newId('result')];
      let calls = 0;
      const unsubscribe = store.streams.onAppend(id.uid, () => (calls += 1));
      await store.streams.append(other, 0, chunkOf('x'));
      await store.streams.append(id, 0, chunkOf('x'));
      unsubscribe();
      await store.streams.append(id, 1, chunkOf('x'));
      expect(calls).toBe(1);
    });

    it('are gone once their task is deleted, and their room is free again', async () => {
      await using store = await makeStore({ maxBytes: 1000 });
      const id = newId('result');
      const used = store.usage.usedBytes;
      await store.streams.append(id, 0, chunkOf('x'.repeat(900)));
      await store.streams.append({ ...id, name: 'log' }, 0, logChunk(1, 1));
      const tasks: string[] = [];
      for await (const { uid } of store.streams.tasks()) tasks.push(uid);
      expect(tasks).toContain(id.uid);
      await store.streams.delete(id.uid);
      await store.streams.delete(id.uid);
      expect(store.usage.usedBytes).toBe(used);
      expect(await store.streams.state(id)).toMatchObject({ next: 0, bytes: 0 });
      expect(await store.streams.append(id, 0, chunkOf('y'.repeat(900)))).toMatchObject({ next: 1 });
    });

    it('take no more than the store may hold, and nothing of a chunk that does not fit', async () => {
      await using store = await makeStore({ maxBytes: 1000 });
      const id = newId('result');
      await store.streams.append(id, 0, chunkOf('x'.repeat(600)));
      await expect(store.streams.append(id, 1, chunkOf('y'.repeat(600)))).rejects.toMatchObject({ code: 'StoreFull' });
      expect(await store.streams.state(id)).toMatchObject({ next: 1, bytes: 600 });
      expect(await store.streams.append(id, 1, chunkOf('z'.repeat(400)))).toMatchObject({ next: 2, bytes: 1000 });
    });

    it('let a reader finish that had begun before the task was deleted', async () => {
      await using store = await makeStore();
      const id = newId('result');
      await store.streams.append(id, 0, chunkOf('x'.repeat(500_000)));
      let bytes = 0;
      for await (const part of store.streams.read(id)) {
        if (bytes === 0) await store.streams.delete(id.uid);
        bytes += part.length;
      }
      expect(bytes).toBe(500_000);
    });
  });
}
