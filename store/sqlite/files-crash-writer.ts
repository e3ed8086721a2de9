/** Receives files, four at once, until it is killed, and tells its parent of every one that is committed. For a test. */
import { SqliteStore } from './sqlite-store.ts';

const store = await SqliteStore.open({ folder: process.argv[2] ?? '', maxBytes: 1024 ** 3 });

async function* partsOf(text: string): AsyncGenerator<Uint8Array> {
  for (let part = 0; part < 20; part += 1) yield await Promise.resolve(Buffer.from(`${text}:${part};`.repeat(500)));
}

async function fill(name: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    // One of three is received before, so that some uploads end without a file of their own.
    const text = `${name}${n % 3 === 0 ? 0 : n}`;
    const received = await store.files.receive({ name, contentType: 'text/plain' }, partsOf(text));
    const { record } = await received.commit();
    process.send?.(record.id);
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(fill));
