import { chmodSync, lstatSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { settleModes } from './settle-modes.ts';

it('gives every umask the same modes, and takes the bits that give rights away', () => {
  const folder = mkdtempSync(join(tmpdir(), 'modes-'));
  const modes = { 'a/secret': 0o600, 'a/open': 0o666, 'a/program': 0o711, 'a/rights': 0o4755, a: 0o700 };
  mkdirSync(join(folder, 'a'));
  for (const [path, mode] of Object.entries(modes)) {
    if (path !== 'a') writeFileSync(join(folder, path), '');
    chmodSync(join(folder, path), mode);
  }
  symlinkSync('/nowhere', join(folder, 'a/link'));

  settleModes(folder);

  const settled = Object.keys(modes).map((path) => [path, (lstatSync(join(folder, path)).mode & 0o7777).toString(8)]);
  expect(Object.fromEntries(settled)).toEqual({
    'a/secret': '644',
    'a/open': '644',
    'a/program': '755',
    'a/rights': '755',
    a: '755',
  });
  expect(lstatSync(folder).mode & 0o777).toBe(0o755);
  rmSync(folder, { recursive: true });
});
