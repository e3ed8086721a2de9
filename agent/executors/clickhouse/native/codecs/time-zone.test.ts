import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeZone } from './time-zone.ts';

const seconds = (iso: string): number => Date.parse(`${iso}Z`) / 1000;

describe('TimeZone', () => {
  it('finds the moment that its clocks show', () => {
    for (const name of ['UTC', 'Asia/Kathmandu', 'America/St_Johns', 'Australia/Lord_Howe', 'Europe/Berlin']) {
      const zone = new TimeZone(name);
      fc.assert(
        fc.property(fc.integer({ min: 200_000, max: 2 ** 32 }), (moment) => {
          const shown = moment + zone.offsetAt(moment);
          const found = zone.toUtc(shown);
          // An hour that comes twice has two moments; both show the same.
          expect(found + zone.offsetAt(found)).toBe(shown);
          expect(found).toBeLessThanOrEqual(moment);
        }),
      );
    }
  });

  it('takes the first of two moments, and puts the clock forward where a time is skipped', () => {
    const zone = new TimeZone('Europe/Berlin');
    expect(zone.toUtc(seconds('2026-10-25T02:30:00'))).toBe(seconds('2026-10-25T00:30:00'));
    expect(zone.toUtc(seconds('2026-03-29T02:30:00'))).toBe(seconds('2026-03-29T01:30:00'));
  });

  it('knows which zones there are', () => {
    expect(() => new TimeZone('Nowhere/City')).toThrow(RangeError);
  });
});
