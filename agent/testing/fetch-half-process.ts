import { readFileSync } from 'node:fs';
import { hash } from 'node:crypto';
import { pino } from 'pino';
import { FileCache } from '../files/file-cache.ts';

// Brings the first half of a file into a cache, says so and waits for its end.
const [folder = '', path = ''] = process.argv.slice(2);
const bytes = readFileSync(path);
const cache = await FileCache.open({ folder, logger: pino({ level: 'silent' }) });
async function* half(): AsyncGenerator<Buffer> {
  yield bytes.subarray(0, bytes.length / 2);
  process.stdout.write('half\n');
  await new Promise((resolve) => setTimeout(resolve, 600_000));
}
await cache.add(
  { id: 'a', name: 'a.sql', bytes: bytes.length, sha256: hash('sha256', bytes) },
  { open: () => Promise.resolve({ from: 0, chunks: half() }) },
  new AbortController().signal,
);
