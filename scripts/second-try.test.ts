import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { countTests, readReport } from './test-report.ts';

const root = dirname(import.meta.dirname);

/** A test file whose test fails as often as is said. It counts its runs in a file beside it. */
const failing = (times: number): string => `
  import { appendFileSync, readFileSync } from 'node:fs';
  import { expect, it } from 'vitest';
  it('is tried', () => {
    appendFileSync(import.meta.filename + '.runs', 'x');
    expect(readFileSync(import.meta.filename + '.runs', 'utf8').length).toBeGreaterThan(${times});
  });
`;

describe('the second try of a test run', () => {
  let folder: string;

  /** A project with the configuration of this one. */
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'second-try-'));
    mkdirSync(join(folder, 'test'));
    for (const name of ['node_modules', 'vitest.config.ts', 'test/patience.ts'])
      symlinkSync(join(root, name), join(folder, name));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const runs = (name: string): number => readFileSync(join(folder, `${name}.test.ts.runs`), 'utf8').length;

  /** As .ci/run does it. */
  function run(files: Readonly<Record<string, number>>): { status: number | null; report: string; output: string } {
    for (const [name, times] of Object.entries(files)) writeFileSync(join(folder, `${name}.test.ts`), failing(times));
    const report = join(folder, 'report.json');
    const options = {
      cwd: folder,
      encoding: 'utf8',
      env: { ...process.env, CI: 'true', TEST_REPORT: report },
    } as const;
    const first = spawnSync('npx', ['vitest', 'run', '--project', 'unit', '--root', folder], options);
    expect(first.status, first.stderr).toBe(1);
    const { status, stdout } = spawnSync(process.execPath, [join(root, 'scripts/second-try.ts'), report], options);
    return { status, report, output: stdout };
  }

  it('passes when what failed passes now, and says what it was', () => {
    const { status, report, output } = run({ good: 0, flaky: 1 });
    expect(output).toContain('flaky.test.ts\n  is tried');
    expect(status, output).toBe(0);
    expect(countTests(readReport(report))).toEqual({ passed: 2, failed: 0, skipped: 0 });
    expect([runs('good'), runs('flaky')]).toEqual([1, 2]);
  });

  it('fails when it fails again', () => {
    const { status, report } = run({ good: 0, flaky: 1, broken: 9 });
    expect(status).toBe(1);
    expect(countTests(readReport(report))).toEqual({ passed: 2, failed: 1, skipped: 0 });
  });

  it('is not made where many files failed', () => {
    const { status, output } = run({ a: 1, b: 1, c: 1, d: 1, e: 1, f: 1 });
    expect(status).toBe(1);
    expect(output).toContain('No second try: 6 files failed');
    expect(runs('a')).toBe(1);
  });
});
