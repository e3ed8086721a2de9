import { describe, expect, it } from 'vitest';
import { temporaryFolder } from '../../../testing/temporary-folder.ts';
import { ResultWriter } from '../../sql/result-writer.ts';
import { InceptionReport } from './inception-report.ts';
import { numberRows } from './number-rows.ts';
import type { InceptionRow } from './result-row.ts';

const row = (changes: Partial<InceptionRow> = {}): InceptionRow => ({
  ...{ orderId: 1, stage: 'EXECUTED', errorLevel: 0, status: 'Execute Successfully, Backup Successfully' },
  ...{ error: undefined, sql: 'DELETE FROM t', affectedRows: 2, sequence: '1_2_00000001' },
  ...{ backupDatabase: undefined, executeTime: '0.012', ...changes },
});

async function report(
  format: 'text' | 'json',
  write: (report: InceptionReport) => Promise<void>,
): Promise<{ text: string; log: string[] }> {
  let text = '';
  const log: string[] = [];
  const output = {
    write: (bytes: Buffer): undefined => void (text += bytes.toString()),
    log: (level: string, ...messages: string[]): undefined =>
      void log.push(...messages.map((said) => `${level} ${said}`)),
  };
  const writer = new ResultWriter(output, format, { separator: '\n\n', spoolFolder: temporaryFolder() });
  const made = new InceptionReport({ writer, output, format, mask: (said) => said.replaceAll('hunter2', '***') });
  await write(made);
  await made.end({ success: true });
  return { text, log };
}

describe('InceptionReport', () => {
  it('counts together what is over ten thousand statements, and logs a thousand', async () => {
    const { text, log } = await report('text', async (made) => {
      for (let number = 1; number <= 12_000; number += 1) await made.row(number, row(), undefined);
      await made.row(12_001, row({ errorLevel: 2, status: 'Execute failed', error: 'no\n  more' }), undefined);
    });
    const entries = text.split('\n\n');
    expect(entries).toHaveLength(10_002);
    expect(entries[10_000]).toBe(
      'Order IDs: 10001-12000\nStage: EXECUTED\nStatus: Execute Successfully\nAffected Rows: 4000',
    );
    expect(entries[10_001]).toContain('Order ID: 12001\nStage: EXECUTED\nStatus: Execute failed\nError: no more\n');
    expect(log).toHaveLength(1002);
    expect(log.at(-1)).toBe(
      'error [EXECUTED] Execute failed: no more (Order ID: 12001) (Affected rows: 2) (Execute time: 0.012s)',
    );
  });

  it('logs by the level of the error, and hides secrets', async () => {
    const { text, log } = await report('json', async (made) => {
      await made.row(1, row({ errorLevel: 1, error: 'for hunter2', sql: "SET PASSWORD = 'hunter2'" }), {
        sql: 'UPDATE hunter2',
      });
      await made.row(2, row({ stage: 'CHECKED', status: 'Audit Completed' }), { sql: '', message: 'nothing' });
    });
    expect(log).toEqual([
      'warn [EXECUTED] Execute Successfully: for *** (Order ID: 1) (Affected rows: 2) (Execute time: 0.012s)',
      'info [CHECKED] Audit Completed (Order ID: 2)',
    ]);
    expect(text).not.toContain('hunter2');
    expect(JSON.parse(text)).toMatchObject({
      statements: [
        { order_id: 1, error_level: 1, error_message: 'for ***', rollback_sql: 'UPDATE ***', rollback_exact: false },
        { order_id: 2, stage: 'CHECKED', rollback_sql: null, rollback_message: 'nothing' },
      ],
      success: true,
    });
  });

  it('numbers as many rows as a part of a text may have', () => {
    const statements = Array.from({ length: 80_000 }, (_, index) => ({
      number: index + 5,
      text: `DELETE FROM t${index}`,
      line: 1,
    }));
    const rows = statements.map(({ text }, index) => row({ sql: index % 7 === 0 ? 'spelled otherwise' : text }));
    expect(numberRows(rows, statements).map(({ number }) => number)).toEqual(statements.map(({ number }) => number));
  });
});
