import { tmpdir } from 'node:os';
import { describe, expect, it } from 'vitest';
import { ResultWriter } from '../sql/result-writer.ts';
import { StatementReport } from './statement-report.ts';

function makeReport(format: 'text' | 'json' = 'text'): { report: StatementReport; result: () => string } {
  const pieces: Buffer[] = [];
  const output = { write: (bytes: Buffer) => void pieces.push(bytes), log: () => undefined };
  const writer = new ResultWriter(output, format, { separator: '\n\n', spoolFolder: tmpdir() });
  const report = new StatementReport(writer, (text) => text.replaceAll('hunter2', '***'));
  return { report, result: () => Buffer.concat(pieces).toString() };
}

describe('StatementReport', () => {
  it('counts statements together when they are very many, and says when the server did not tell of one', async () => {
    const { report, result } = makeReport();
    for (let number = 1; number <= 10_003; number += 1) await report.success(number, 'INSERT', 2);
    await report.failure(10_004, 'INSERT', 'no', undefined);
    await report.success(10_005, 'INSERT', 2);
    await report.success(10_006, 'INSERT', undefined);
    await report.end({});
    expect(result().split('\n\n').slice(-4)).toEqual([
      'Statement 10000: SUCCESS (Affected rows: 2)\nSQL: INSERT',
      'Statements 10001-10003: SUCCESS (Affected rows: 6)',
      'Statement 10004: ERROR - no\nSQL: INSERT',
      'Statements 10005-10006: SUCCESS (Affected rows: unknown)',
    ]);
  });

  it('cuts long statements and shows no secret', async () => {
    const { report, result } = makeReport('json');
    await report.success(1, `SELECT 'hunter2${'x'.repeat(5_000)}'`, 0);
    const error = await report.failure(2, "SELECT 'hunter2'", 'bad hunter2', 62);
    await report.end({ success: false });
    expect(error).toBe("Statement 2: ERROR - bad ***\nSQL: SELECT '***'");
    const { statements } = JSON.parse(result());
    expect(Buffer.byteLength(statements[0].sql)).toBeLessThanOrEqual(1024);
    expect(statements[1]).toEqual({
      statement: 2,
      status: 'ERROR',
      error: { message: 'bad ***', code: 62 },
      sql: "SELECT '***'",
    });
    expect(result()).not.toContain('hunter2');
  });
});
