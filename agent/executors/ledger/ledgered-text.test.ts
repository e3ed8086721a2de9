import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { splitStatements } from '../sql/split-statements.ts';
import type { SqlStatement } from '../sql/split-statements.ts';
import { LedgerPastReader, NO_PAST } from './ledger-past.ts';
import type { LedgerPast, LedgerState } from './ledger-past.ts';
import { LedgerStop } from './ledger-stop.ts';
import { LedgeredText } from './ledgered-text.ts';
import type { LedgeredTextOptions, StartedOutcome } from './ledgered-text.ts';

async function* pieces(text: string): AsyncGenerator<string> {
  yield* text.match(/[^]{1,7}/g) ?? [];
}

const options = (changes: Partial<LedgeredTextOptions>): LedgeredTextOptions => ({
  ...{ past: NO_PAST, toldThrough: 0, lookOnly: undefined, rollsBackSettings: true },
  effectOf: (text) => (text.startsWith('SET') ? 'again' : text.startsWith('TEMP') ? { lost: 'made a table' } : 'none'),
  outcomeOf: () => Promise.resolve('unknown'),
  onDone: () => Promise.resolve(),
  ...changes,
});

async function left(text: string, changes: Partial<LedgeredTextOptions>): Promise<SqlStatement[]> {
  const found: SqlStatement[] = [];
  for await (const statement of new LedgeredText(options(changes)).left(splitStatements(pieces(text), 'postgres')))
    found.push(statement);
  return found;
}

/** What the ledger says after the statements of a text up to one, in transactions that end with these. */
async function pastAfter(text: string, ends: readonly number[], started?: number): Promise<LedgerPast> {
  const ledgered = new LedgeredText(options({}));
  const digests = new Map<number, string>();
  for await (const { number, copyData } of ledgered.left(splitStatements(pieces(text), 'postgres'))) {
    // As a server does.
    if (copyData !== undefined) for await (const _ of copyData);
    digests.set(number, ledgered.digestAt(number));
  }
  const reader = new LedgerPastReader({ through: 0, committed: 0 });
  const add = (first: number, last: number, state: LedgerState): void =>
    reader.add([String(first), String(last), state, digests.get(last) ?? '', String(last - first + 1), 'absent']);
  reader.add(['0', '0', 'started', '', '0', '']);
  for (const [index, last] of ends.entries()) add((ends[index - 1] ?? 0) + 1, last, 'committed');
  if (started !== undefined) add(started, started, 'started');
  return reader.past();
}

describe('LedgeredText', () => {
  const script = fc.array(fc.constantFrom<string>('A', 'B', 'SET x', 'COPY'), { minLength: 1, maxLength: 30 });
  const textOf = (statements: readonly string[]): string =>
    statements
      .map((statement, index) =>
        statement === 'COPY' ? `COPY t FROM stdin;\n${index}\n\\.\n` : `${statement} ${index + 1};`,
      )
      .join('\n');

  it('executes everything once, whatever was committed before, and settings again', async () => {
    await fc.assert(
      fc.asyncProperty(script, fc.array(fc.nat(30), { maxLength: 5 }), async (statements, marks) => {
        const text = textOf(statements);
        const ends = [...new Set(marks.map((mark) => 1 + (mark % statements.length)))].sort((a, b) => a - b);
        const past = await pastAfter(text, ends);
        const through = ends.at(-1) ?? 0;
        const rest = (await left(text, { past })).map(({ number }) => number);
        const settings = statements.slice(0, through).flatMap((text, index) => (text === 'SET x' ? [index + 1] : []));
        const fresh = statements.map((_, index) => index + 1).slice(through);
        expect(rest).toEqual(fresh.length === 0 ? [] : [...settings, ...fresh]);
      }),
    );
  });

  it('knows another text by any change in what was committed', async () => {
    await fc.assert(
      fc.asyncProperty(script, fc.nat(), fc.nat(), async (statements, end, change) => {
        const through = 1 + (end % statements.length);
        const past = await pastAfter(textOf(statements), [through]);
        const changed = statements.with(change % through, 'C');
        await expect(left(textOf(changed), { past })).rejects.toThrow('the text is not the one');
      }),
    );
  });

  it('knows a text whose data of COPY has changed', async () => {
    const text = (data: string): string => `COPY t FROM stdin;\n${data}\n\\.\nA;`;
    const past = await pastAfter(text('1'), [1]);
    expect((await left(text('1'), { past })).map(({ number }) => number)).toEqual([2]);
    await expect(left(text('2'), { past })).rejects.toThrow(LedgerStop);
  });

  it('knows a text that has become shorter', async () => {
    const past = await pastAfter('A; B; C', [3]);
    await expect(left('A; B', { past })).rejects.toThrow('the ledger knows statement 3, and the text has 2 only');
  });

  it.each<[StartedOutcome, number[]]>([
    ['done', [3]],
    ['notDone', [2, 3]],
  ])('goes on after a statement that was begun and is %s', async (outcome, expected) => {
    const past = await pastAfter('A; B; C', [1], 2);
    const done: number[] = [];
    const rest = await left('A; B; C', {
      past,
      outcomeOf: () => Promise.resolve(outcome),
      onDone: (number) => {
        done.push(number);
        return Promise.resolve();
      },
    });
    expect([rest.map(({ number }) => number), done]).toEqual([expected, outcome === 'done' ? [2] : []]);
  });

  it('names a statement that was begun and of which nobody knows more', async () => {
    const past = await pastAfter('A; B; C', [1], 2);
    await expect(left('A; B; C', { past })).rejects.toThrow('statement 2 was begun before the agent restarted');
  });

  it('does not go on with what a lost connection held, unless nothing is left', async () => {
    const past = await pastAfter('TEMP; B; C', [2]);
    await expect(left('TEMP; B; C', { past })).rejects.toMatchObject({ reason: 'ResumptionNotPossible' });
    expect(await left('TEMP; B', { past })).toEqual([]);
  });

  it('makes no settings of a transaction that was rolled back, where those go with it', async () => {
    const text = 'A; BEGIN; SET x; ROLLBACK; B; C';
    const past = await pastAfter(text, [1]);
    const rows = {
      ...past,
      through: 5,
      committed: [
        { first: 1, last: 1 },
        { first: 5, last: 5 },
      ],
    };
    const digest = (await pastAfter(text, [5])).digest;
    const numbers = async (rollsBackSettings: boolean): Promise<number[]> =>
      (await left(text, { past: { ...rows, digest }, rollsBackSettings })).map(({ number }) => number);
    expect([await numbers(true), await numbers(false)]).toEqual([[6], [3, 6]]);
  });
});

describe('LedgerPastReader', () => {
  it('rejects a ledger that has forgotten what was told', () => {
    const reader = new LedgerPastReader({ through: 3, committed: 3 });
    reader.add(['1', '2', 'committed', 'd', '2', '']);
    expect(() => reader.past()).toThrow('statement 3 was committed, and the ledger does not know of it');
  });

  it('tells apart what a report has and what it lacks', () => {
    const reader = new LedgerPastReader({ through: 2, committed: 2 });
    reader.add(['1', '2', 'committed', 'd', '5', '']);
    reader.add(['3', '4', 'committed', 'e', '7', '']);
    reader.add(['6', '6', 'done', 'f', '1', '']);
    expect(reader.past()).toMatchObject({
      ...{ through: 6, digest: 'f', affectedRows: 13 },
      committed: [
        { first: 1, last: 4 },
        { first: 6, last: 6 },
      ],
      untold: {
        ranges: [
          { first: 3, last: 4 },
          { first: 6, last: 6 },
        ],
        affectedRows: 8,
      },
    });
  });
});
