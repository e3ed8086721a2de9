/**
 * Compiles the programs to dist/, or to the folder that is given, which runs on any Node.js from 24 on beside a
 * `npm ci --omit=dev`. Types are `make typecheck`'s.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

const root = join(import.meta.dirname, '..');
const dist = process.argv[2] ?? join(root, 'dist');
rmSync(dist, { recursive: true, force: true });
const { status } = spawnSync('tsc', ['-p', 'tsconfig.build.json', '--outDir', dist, '--noCheck'], {
  cwd: root,
  stdio: 'inherit',
});
if (status !== 0) process.exit(status ?? 1);

// What the programs read beside their code, at the same place relative to it.
const data = ['crds/*.yaml', 'api/**/*.yaml', 'api/drivers/wizards.json', 'package-lock.json', 'LICENSE'];
for (const path of globSync(data, { cwd: root })) {
  mkdirSync(dirname(join(dist, path)), { recursive: true });
  cpSync(join(root, path), join(dist, path));
}

const manifest = readFileSync(join(root, 'package.json'), 'utf8');
writeFileSync(join(dist, 'package.json'), manifest.replace('./standalone/main.ts', './standalone/main.js'));
