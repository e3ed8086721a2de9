/** Prints the closing line of a test run from vitest's JSON report; exits 1 when a test failed or none ran. */
import { readFileSync } from 'node:fs';

interface Report {
  success: boolean;
  numPassedTests: number;
  numFailedTests: number;
  numPendingTests: number;
  numTodoTests: number;
  numFailedTestSuites: number;
}

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: count-tests.ts <vitest report>');
const report = JSON.parse(readFileSync(path, 'utf8')) as Report;
// A file that cannot be loaded has no failed test, and is a failure all the same.
const failed = Math.max(report.numFailedTests, report.success ? 0 : 1);
const skipped = report.numPendingTests + report.numTodoTests;
console.log(`${report.numPassedTests} passed, ${failed} failed, ${skipped} skipped`);
if (failed > 0 || report.numPassedTests === 0) process.exitCode = 1;
