import { describe, expect, it } from 'vitest';
import { countTests, failedFiles, withSecondTry } from './test-report.ts';
import type { FileReport, TestReport } from './test-report.ts';

type Status = FileReport['assertionResults'][number]['status'];
const file = (name: string, ...statuses: Status[]): FileReport => ({
  name,
  status: statuses.includes('failed') ? 'failed' : 'passed',
  assertionResults: statuses.map((status, place) => ({ fullName: `${name} ${place}`, status })),
});
const unloadable: FileReport = { name: 'c', status: 'failed', assertionResults: [] };
const report = (...testResults: FileReport[]): TestReport => ({
  success: testResults.every(({ status }) => status === 'passed'),
  testResults,
});

describe('the report of a test run', () => {
  it('counts tests, and what is neither passed nor failed as skipped', () => {
    const counts = countTests(report(file('a', 'passed', 'failed', 'pending'), file('b', 'passed', 'todo', 'skipped')));
    expect(counts).toEqual({ passed: 2, failed: 1, skipped: 3 });
  });

  it('has a failure where a file cannot be loaded, and where an error was caught outside of all tests', () => {
    expect(countTests(report(file('a', 'passed'), unloadable))).toMatchObject({ failed: 1 });
    expect(countTests({ ...report(file('a', 'passed')), success: false })).toMatchObject({ failed: 1 });
  });

  it('is that of the second try for what failed at first, and of the first for the rest', () => {
    const first = report(file('a', 'passed', 'failed'), file('b', 'passed'), unloadable);
    expect(failedFiles(first).map(({ name }) => name)).toEqual(['a', 'c']);
    const mended = withSecondTry(first, report(file('a', 'passed', 'passed'), file('c', 'passed')));
    expect(mended.success).toBe(true);
    expect(countTests(mended)).toEqual({ passed: 4, failed: 0, skipped: 0 });
  });

  it('stays a failure when a file fails again, is missing in the second try, or the second try had an error', () => {
    const first = report(file('a', 'failed'), unloadable);
    const second = report(file('a', 'failed'), file('c', 'passed'));
    expect(countTests(withSecondTry(first, second)).failed).toBe(1);
    expect(withSecondTry(first, report(file('c', 'passed'))).success).toBe(false);
    const passed = report(file('a', 'passed'), file('c', 'passed'));
    expect(countTests(withSecondTry(first, { ...passed, success: false })).failed).toBe(1);
  });
});
