import { closeSync, openSync } from 'node:fs';
import { pino } from 'pino';
import { afterEach, it } from 'vitest';
import { logDestination } from './log-destination.ts';

const opened: number[] = [];
afterEach(() => {
  for (const fd of opened.splice(0)) closeSync(fd);
});

it.each([true, false])('a full disk does not end the program (sync: %s)', async (sync) => {
  const fd = openSync('/dev/full', 'w');
  opened.push(fd);
  const destination = logDestination({ fd, sync });
  const dropped = new Promise((resolve) => destination.on('drop', resolve));
  const failed = new Promise((resolve) => destination.on('error', resolve));
  const logger = pino({}, destination);
  // More than may wait, so that the last lines are dropped.
  for (let line = 0; line < 20; line += 1) logger.error('x'.repeat(100_000));
  await Promise.all([failed, dropped]);
});
