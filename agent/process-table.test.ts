import { readFileSync } from 'node:fs';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { processStart } from './process-table.ts';

it('knows a process by its start in this boot: after a reboot, pid and ticks may be those of another', async () => {
  const child = spawn('sleep', ['60']);
  await once(child, 'spawn');
  const pid = child.pid!;
  const start = await processStart(pid);
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  expect(start).toMatch(new RegExp(`^${boot}/\\d+$`));
  expect(await processStart(pid)).toBe(start);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(await processStart(pid)).toBeUndefined();
});
