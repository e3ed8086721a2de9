import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TransactionLedger } from './transaction-ledger.ts';

describe('TransactionLedger', () => {
  it('tells what became of the statements', () => {
    const ledger = new TransactionLedger();
    for (const number of [1, 2]) ledger.executed(number, 'open');
    ledger.ended('committed');
    ledger.executed(3, 'committed');
    for (const number of [4, 5]) ledger.executed(number, 'open');
    ledger.ended('rolledBack');
    ledger.executed(6, 'unknown');
    expect(ledger.describe()).toBe(
      'Statements 1-3 were committed. Statements 4-5 were rolled back. Statement 6 was perhaps committed: the connection was lost before the server said.',
    );
  });

  it('does not call prepared what is not committed yet', () => {
    const ledger = new TransactionLedger();
    for (const number of [1, 2]) ledger.executed(number, 'open');
    ledger.ended('prepared');
    expect(ledger.describe()).toBe(
      'Statements 1-2 were prepared: COMMIT or ROLLBACK of what is prepared decides what becomes of them.',
    );
  });

  it('has nothing to tell of nothing', () => {
    const ledger = new TransactionLedger();
    ledger.ended('rolledBack');
    expect(ledger.describe()).toBe('');
  });

  it('names each statement under what became of it, until there are too many groups', () => {
    const fates = fc.constantFrom('committed', 'rolledBack', 'unknown');
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.integer({ min: 1, max: 4 }), fates), { maxLength: 19 }), (transactions) => {
        const ledger = new TransactionLedger();
        const expected = new Map<number, string>();
        for (const [length, fate] of transactions) {
          for (let index = 0; index < length; index += 1) {
            expected.set(expected.size + 1, fate);
            ledger.executed(expected.size, 'open');
          }
          ledger.ended(fate);
        }
        const seen = new Map<number, string>();
        for (const fate of ['committed', 'rolledBack', 'unknown', 'open'] as const)
          for (const [first, last] of ledger.ranges(fate))
            for (let number = first; number <= last; number += 1) seen.set(number, fate);
        expect(new Map([...seen].sort(([a], [b]) => a - b))).toEqual(expected);
      }),
    );
  });

  it('stays small', () => {
    const ledger = new TransactionLedger();
    for (let number = 1; number < 10_000; number += 2) {
      ledger.executed(number, 'committed');
      ledger.executed(number + 1, 'open');
      ledger.ended('rolledBack');
    }
    expect(ledger.describe().length).toBeLessThan(500);
    expect(ledger.describe()).toContain('more groups of statements is not listed');
  });
});
