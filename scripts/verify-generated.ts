/**
 * Generates everything anew and fails when a file changed, appeared or went away. It compares contents before and after,
 * so it needs no clean work tree; the new contents stay, to be looked at and committed.
 */
import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const root = join(import.meta.dirname, '..');
const patterns = ['kube/types/*.ts', 'api/drivers/wizards.json', 'docs/**/*.md', '*.md', 'charts/**/*.*'];

function contents(): Map<string, string> {
  return new Map(
    globSync(patterns, { cwd: root })
      .sort()
      .map((path) => [path, readFileSync(join(root, path), 'utf8')]),
  );
}

const before = contents();
const { status } = spawnSync('npm', ['run', '--silent', 'generate'], { cwd: root, stdio: 'inherit' });
if (status !== 0) process.exit(status ?? 1);
const after = contents();
const changed = [...new Set([...before.keys(), ...after.keys()])].filter(
  (path) => before.get(path) !== after.get(path),
);
for (const path of changed) console.error(`${path} was not what \`make generate\` writes; it is now: commit it`);
if (changed.length > 0) process.exit(1);
console.log(`${after.size} files are as generated`);
