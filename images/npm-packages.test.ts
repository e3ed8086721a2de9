import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { neededPackages } from './npm-packages.ts';

let project: string;
const write = (path: string, content: unknown): void => {
  mkdirSync(dirname(join(project, path)), { recursive: true });
  writeFileSync(join(project, path), typeof content === 'string' ? content : JSON.stringify(content));
};
/** Installs packages: their paths, and what the lock file says beside version and hash. */
function install(packages: Record<string, object>): void {
  for (const path of Object.keys(packages))
    write(`${path}/package.json`, { name: path.slice(path.lastIndexOf('node_modules/') + 13), version: '1.0.0' });
  const locked = Object.entries(packages).map(([path, more]) => [
    path,
    { version: '1.0.0', integrity: 'sha512-AA==', license: 'MIT', ...more },
  ]);
  write('package-lock.json', { packages: Object.fromEntries(locked) });
}
const paths = (): string[] => neededPackages(project, project, ['program']).map(({ path }) => path);

beforeEach(() => {
  project = mkdtempSync(join(tmpdir(), 'needed-packages-'));
});
afterEach(() => rmSync(project, { recursive: true }));

it('finds what code imports in each way, and what those packages need in turn', () => {
  write(
    'program/main.js',
    "import a from 'a/deep/path';\nexport { b } from '@scope/b';\nimport 'node:fs'; import './own.js';",
  );
  write('program/deep/other.js', "const c = await import('c');");
  install({
    'node_modules/a': { dependencies: { d: '^1' } },
    'node_modules/@scope/b': {},
    'node_modules/c': {},
    'node_modules/d': {},
    'node_modules/unused': {},
  });

  expect(paths()).toEqual(['node_modules/@scope/b', 'node_modules/a', 'node_modules/c', 'node_modules/d']);
});

it('takes the package that Node.js would find: the nearest one', () => {
  write('program/main.js', "import 'a';");
  install({
    'node_modules/a': { dependencies: { b: '^1', c: '^1' } },
    'node_modules/a/node_modules/b': { dependencies: { c: '^1' } },
    'node_modules/a/node_modules/c': {},
    'node_modules/b': {},
    'node_modules/c': {},
  });

  expect(paths()).toEqual(['node_modules/a', 'node_modules/a/node_modules/b', 'node_modules/a/node_modules/c']);
});

it('leaves out types, and optional packages of other systems', () => {
  write('program/main.js', "import 'a';");
  install({ 'node_modules/a': { dependencies: { '@types/a': '^1' }, optionalDependencies: { 'a-win32': '1.0.0' } } });

  expect(paths()).toEqual(['node_modules/a']);
});

it('goes round in a circle once', () => {
  write('program/main.js', "import 'a';");
  install({ 'node_modules/a': { dependencies: { b: '^1' } }, 'node_modules/b': { dependencies: { a: '^1' } } });

  expect(paths()).toEqual(['node_modules/a', 'node_modules/b']);
});

it('refuses code that imports what is there for development only', () => {
  write('program/main.js', "import 'a';");
  install({ 'node_modules/a': { dev: true } });

  expect(paths).toThrow('node_modules/a is imported by a program, and is there for development only');
});

it('refuses an installation that is not what the lock file says', () => {
  write('program/main.js', "import 'a';");
  install({ 'node_modules/a': {} });
  write('node_modules/a/package.json', { name: 'a', version: '0.9.0' });

  expect(paths).toThrow('node_modules/a is 0.9.0, and package-lock.json says 1.0.0: run npm ci');
});

it('refuses an installation that lacks a package', () => {
  write('program/main.js', "import 'a';");
  install({ 'node_modules/a': { dependencies: { b: '^1' } } });

  expect(paths).toThrow('node_modules/a needs b, which is not installed: run npm ci');
});
