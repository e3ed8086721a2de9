/** Writes what each program's `--help` prints into docs/configuration.md. Run by `make generate`. */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { writeSections } from './generated-section.ts';

const PROGRAMS: Readonly<Record<string, readonly string[]>> = {
  up: ['standalone/main.ts', 'up'],
  api: ['api/main.ts'],
  operator: ['operator/main.ts'],
  cleanup: ['operator/cleanup/main.ts'],
  agent: ['agent/main.ts'],
};

const root = join(import.meta.dirname, '..');

// Nothing of this machine's settings may show as a default.
const env = { PATH: process.env['PATH'], HOME: '/nonexistent' };
const help = (program: readonly string[]): string =>
  execFileSync(process.execPath, [...program, '--help'], { cwd: root, env, encoding: 'utf8' }).trimEnd();

writeSections(
  join(root, 'docs/configuration.md'),
  Object.fromEntries(Object.entries(PROGRAMS).map(([name, program]) => [name, ['```text', help(program), '```']])),
);
