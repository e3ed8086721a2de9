import { setImmediate } from 'node:timers/promises';
import { openText } from '../files/open-text.ts';

// Reads a file as text, no faster than a database would take it, and tells how much that was and took.
const { pieces, release } = await openText(process.argv[2] ?? '');
let characters = 0;
let maxRss = 0;
for await (const piece of pieces) {
  characters += piece.length;
  // Not resourceUsage().maxRSS: it begins with what the parent had.
  maxRss = Math.max(maxRss, process.memoryUsage.rss());
  await setImmediate();
}
release();
process.stdout.write(JSON.stringify({ characters, maxRssMiB: maxRss / 1024 ** 2 }));
