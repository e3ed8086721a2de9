import { tmpdir } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import { keepHeapSmall } from '../../../small-heap.ts';
import { MongoExecutor } from '../mongo-executor.ts';

// Finds all documents of a collection as the agent does, into nowhere, and tells how many bytes that made and took.
keepHeapSmall();
const { target, collection, password } = JSON.parse(process.argv[2] ?? '') as Record<string, string>;
const executor = new MongoExecutor({ connections: new Map(), spoolFolder: tmpdir() });
let bytes = 0;
let maxRss = 0;
setInterval(() => (maxRss = Math.max(maxRss, process.memoryUsage.rss())), 10).unref();
const outcome = await executor.execute({
  name: 'task',
  uid: 'find',
  epoch: 1,
  command: JSON.stringify({ operation: 'find', collection }),
  params: { target },
  signal: new AbortController().signal,
  resumed: false,
  rollback: { write: () => undefined, end: () => undefined },
  output: {
    write: async (piece) => {
      bytes += piece.length;
      await delay(0);
    },
    log: () => undefined,
  },
  credential: () => Promise.resolve({ data: { password: password ?? '' }, allowedHosts: undefined }),
  fileId: undefined,
  file: () => Promise.reject(new Error('there is none')),
  processStarted: () => undefined,
  evidence: () => undefined,
});
await executor.close();
process.stdout.write(JSON.stringify({ state: outcome.state, bytes, maxRssMiB: maxRss / 1024 ** 2 }));
