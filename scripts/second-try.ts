/**
 * Runs the files that failed in a test run once more, each whole, alone on the machine and in a new process, and puts
 * what they say now into the run's report. What fails twice is broken; what passes now is named all the same.
 *
 * A test that is tried again in its own process meets what its first try left behind: that proves nothing.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { failedFiles, readReport, withSecondTry } from './test-report.ts';
import type { TestReport } from './test-report.ts';

/** More than that is not a busy machine. */
const MAX_FILES = 5;

function main(path: string): boolean {
  const first = readReport(path);
  const files = failedFiles(first).map(({ name }) => relative('.', name));
  if (files.length === 0 || files.length > MAX_FILES) {
    console.log(`\n*** No second try: ${files.length} files failed, and 1 to ${MAX_FILES} may be tried again. ***`);
    return false;
  }
  console.log(`\n*** Failed at the first try, and run again alone:\n${failedTests(first).join('\n')}\n***`);
  const again = `${path}.again`;
  rmSync(again, { force: true });
  const env = { ...process.env, TEST_REPORT: again };
  spawnSync('npx', ['vitest', 'run', '--maxWorkers=1', ...files], { stdio: 'inherit', env });
  if (!existsSync(again)) {
    console.log('\n*** The second try ended without a report. ***');
    return false;
  }
  const both = withSecondTry(first, readReport(again));
  writeFileSync(path, JSON.stringify(both));
  return both.success;
}

const failedTests = (report: TestReport): readonly string[] =>
  failedFiles(report).flatMap(({ name, assertionResults }) => [
    relative('.', name),
    ...assertionResults.filter(({ status }) => status === 'failed').map(({ fullName }) => `  ${fullName}`),
  ]);

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: second-try.ts <vitest report>');
if (!main(path)) process.exitCode = 1;
