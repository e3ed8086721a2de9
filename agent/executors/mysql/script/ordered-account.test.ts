import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionLedger } from '../../sql/transaction-ledger.ts';
import { OrderedAccounts, UnitAccount } from './ordered-account.ts';
import type { ExecutedStatement, StatementReport } from './statement-report.ts';

const SIZE = 3;

/** A report that keeps the numbers of what is settled. */
function reporting(): { report: StatementReport; told: number[] } {
  const told: number[] = [];
  const report = {
    settled: async ({ number }: ExecutedStatement) => {
      await Promise.resolve();
      told.push(number);
    },
  } as unknown as StatementReport;
  return { report, told };
}

async function account(report: StatementReport, unit: number, isCommitted: boolean): Promise<UnitAccount> {
  const made = new UnitAccount(report);
  for (let index = 1; index <= SIZE; index += 1) {
    const number = unit * SIZE + index;
    made.executed(number);
    await made.settled({ number, affectedRows: 1, seconds: 0, sql: undefined, sinks: [] }, 'status');
  }
  made.ended(isCommitted ? 'committed' : 'rolledBack');
  return made;
}

describe('OrderedAccounts', () => {
  it('tells of units in their order, in whatever order they end', async () => {
    const fates = fc.array(fc.boolean(), { minLength: 1, maxLength: 12 });
    const endings = fates.chain((units) =>
      fc.tuple(
        fc.constant(units),
        fc.shuffledSubarray(
          units.map((_, index) => index),
          { minLength: units.length },
        ),
      ),
    );
    await fc.assert(
      fc.asyncProperty(endings, async ([units, order]) => {
        const { report, told } = reporting();
        const ledger = new TransactionLedger();
        const accounts = new OrderedAccounts(ledger);
        const places = units.map(() => accounts.take());
        expect(accounts.open).toBe(units.length);
        await Promise.all(
          order.map(async (unit) => accounts.end(places[unit] ?? 0, await account(report, unit, units[unit] ?? false))),
        );
        expect(accounts.open).toBe(0);
        expect(told).toEqual(Array.from({ length: units.length * SIZE }, (_, index) => index + 1));
        const committed = ledger.ranges('committed').reduce((sum, [first, last]) => sum + last - first + 1, 0);
        expect(committed).toBe(units.filter(Boolean).length * SIZE);
      }),
    );
  });

  it('tells whoever ends a unit that an entry could not be written', async () => {
    const report = { settled: () => Promise.reject(new Error('the disk is full')) } as unknown as StatementReport;
    const accounts = new OrderedAccounts(new TransactionLedger());
    const place = accounts.take();
    await expect(accounts.end(place, await account(report, 0, true))).rejects.toThrow('the disk is full');
  });
});
