import { GtidSet as WireSet } from '@vlasky/zongji';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { GtidSet } from './gtid-set.ts';

const uuids = ['3e11fa47-71ca-11e1-9e33-c80aa9429562', '2c256447-3f0d-431b-9a25-bddf1f1f6ef6'];
const sources = fc.constantFrom(...uuids, `${uuids[0]}:tag_a`);
const gtids = fc.tuple(sources, fc.integer({ min: 1, max: 30 })).map(([source, number]) => `${source}:${number}`);

describe('GtidSet', () => {
  it('holds what was added to what was parsed, in whatever order, and nothing else', () => {
    fc.assert(
      fc.property(fc.array(gtids), fc.array(gtids), (parsed, added) => {
        const set = GtidSet.parse(parsed.join(','));
        for (const gtid of added) {
          set.add(gtid);
          expect(set.has(gtid)).toBe(true);
        }
        const truth = new Set([...parsed, ...added]);
        for (const source of [...uuids, `${uuids[0]}:tag_a`])
          for (let number = 1; number <= 31; number += 1)
            expect(set.has(`${source}:${number}`)).toBe(truth.has(`${source}:${number}`));
      }),
    );
  });

  it('writes itself so that it is read back, as another reader of sets reads it too', () => {
    fc.assert(
      fc.property(fc.array(gtids), (added) => {
        const set = GtidSet.parse('');
        const other = WireSet.parse('');
        for (const gtid of added) {
          set.add(gtid);
          other.add(gtid);
          set.toString();
        }
        expect(WireSet.parse(set.toString()).toString()).toBe(other.toString());
        expect(GtidSet.parse(set.toString()).toString()).toBe(set.toString());
        expect(set.encode()).toEqual((other as WireSet & { encode(): Buffer }).encode());
      }),
    );
  });

  it.each(['x', `${uuids[0]}`, `${uuids[0]}:0`, `${uuids[0]}:1-x`, '1-2-3'])('refuses %s', (text) => {
    expect(() => GtidSet.parse(text)).toThrow();
  });
});
