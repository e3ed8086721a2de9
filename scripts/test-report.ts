import { readFileSync } from 'node:fs';

/** What vitest's JSON reporter writes of a run, as far as it is read here. */
export interface TestReport {
  /** False also when an error was caught outside of every test. */
  readonly success: boolean;
  readonly testResults: readonly FileReport[];
}

export interface FileReport {
  /** The file's path. */
  readonly name: string;
  /** `failed` also when the file cannot be loaded, and then it has no tests. */
  readonly status: 'passed' | 'failed';
  readonly assertionResults: readonly {
    readonly fullName: string;
    readonly status: 'passed' | 'failed' | 'skipped' | 'pending' | 'todo' | 'disabled';
  }[];
}

export interface TestCounts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

export function readReport(path: string): TestReport {
  return JSON.parse(readFileSync(path, 'utf8')) as TestReport;
}

/** A file that cannot be loaded has no failed test, and is a failure all the same; so is an error outside of all tests. */
export function countTests(report: TestReport): TestCounts {
  const tests = report.testResults.flatMap((file) => file.assertionResults);
  const passed = tests.filter(({ status }) => status === 'passed').length;
  const failed = tests.filter(({ status }) => status === 'failed').length;
  return { passed, failed: Math.max(failed, report.success ? 0 : 1), skipped: tests.length - passed - failed };
}

export function failedFiles(report: TestReport): readonly FileReport[] {
  return report.testResults.filter(({ status }) => status === 'failed');
}

/** The first run with the files of the second in place of its own. All that failed must be in the second. */
export function withSecondTry(first: TestReport, second: TestReport): TestReport {
  const again = new Map(second.testResults.map((file) => [file.name, file]));
  const testResults = first.testResults.map((file) => again.get(file.name) ?? file);
  return { success: second.success && testResults.every(({ status }) => status === 'passed'), testResults };
}
