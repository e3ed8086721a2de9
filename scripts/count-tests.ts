/** Prints the closing line of a test run from vitest's JSON report; exits 1 when a test failed or none ran. */
import { countTests, readReport } from './test-report.ts';

const [path] = process.argv.slice(2);
if (path === undefined) throw new Error('usage: count-tests.ts <vitest report>');
const { passed, failed, skipped } = countTests(readReport(path));
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
if (failed > 0 || passed === 0) process.exitCode = 1;
