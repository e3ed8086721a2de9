import { pino } from 'pino';
import { describe, expect, it } from 'vitest';
import type { SyncEvent } from '../sync-event.ts';
import { CountingMapping } from './counting-mapping.ts';

const event = (rows: number): SyncEvent => ({
  event_type: 'insert',
  fields: ['secret'],
  rows: Array.from({ length: rows }, () => ({ secret: 'hunter2' })),
  index: 1,
  event_schema: 's',
  table: 't',
});

/** Rejects all rows of all events. */
function rejecting(): { mapping: CountingMapping; lines: string[] } {
  const lines: string[] = [];
  const logger = pino({ level: 'warn' }, { write: (line) => lines.push(line) });
  const apply = ({ rows }: SyncEvent): ReturnType<ConstructorParameters<typeof CountingMapping>[0]['apply']> => ({
    event: undefined,
    rejected: rows.length,
    rejectedReason: 'there is no id',
    unconverted: 0,
    unconvertedReason: undefined,
  });
  return { mapping: new CountingMapping({ wanted: undefined, apply }, logger), lines };
}

describe('CountingMapping', () => {
  it('counts rows that are not sent once, however often they were read', () => {
    const { mapping } = rejecting();
    mapping.apply(event(3));
    mapping.settle(false);
    mapping.apply(event(3));
    expect(mapping.rejected).toBe(0);
    mapping.settle(true);
    expect(mapping.rejected).toBe(3);
  });

  it('tells the first of them in the log, and one in a thousand from then on, without values', () => {
    const { mapping, lines } = rejecting();
    for (let n = 0; n < 25; n += 1) {
      mapping.apply(event(100));
      mapping.settle(true);
    }
    expect(lines.map((line) => (JSON.parse(line) as { rejected: number }).rejected)).toEqual([100, 1000, 2000]);
    expect(lines.join('')).toContain('there is no id');
    expect(lines.join('')).not.toContain('hunter2');
  });
});
