/** Appends to four streams at once until it is killed, and tells its parent of every acknowledgement. For a test. */
import { SqliteStore } from './sqlite-store.ts';

const store = await SqliteStore.open({ folder: process.argv[2] ?? '', maxBytes: 1024 ** 3 });

async function fill(uid: string): Promise<never> {
  for (let n = 0; ; n += 1) {
    const bytes = Buffer.from(`${uid}:${n};`.repeat(1 + ((n * 7919) % 4096)));
    const { next } = await store.streams.append({ uid, epoch: 1, name: 'result' }, n, { bytes, final: false });
    process.send?.({ uid, next });
  }
}

await Promise.all(['a', 'b', 'c', 'd'].map(fill));
