import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, describe, expect, it } from 'vitest';
import { SpoolError } from '../../sql/row-spool.ts';
import { ReverseSpool } from './reverse-spool.ts';

const folder = mkdtempSync(join(tmpdir(), 'tiangong-reverse-'));
afterAll(() => rmSync(folder, { recursive: true }));

const read = async (spool: ReverseSpool): Promise<string[]> => {
  const blocks: Buffer[] = [];
  for await (const block of spool.readBackwards()) blocks.push(block);
  return Buffer.concat(blocks).toString().split('\n').slice(0, -1);
};

describe('ReverseSpool', () => {
  const lines = fc.array(
    fc.oneof(
      fc.stringMatching(/^[a-z漢😀;]{0,20}$/u),
      fc.integer({ min: 0, max: 400_000 }).map((length) => 'x'.repeat(length)),
    ),
    { maxLength: 12 },
  );

  it('gives lines of any length back with the last first', async () => {
    await fc.assert(
      fc.asyncProperty(lines, async (all) => {
        const spool = new ReverseSpool({ folder });
        for (const line of all) await spool.append(line);
        expect(await read(spool)).toEqual(all.toReversed());
        await spool.close();
      }),
      { numRuns: 60 },
    );
  });

  it('forgets what came after a mark', async () => {
    await fc.assert(
      fc.asyncProperty(lines, lines, lines, async (kept, dropped, later) => {
        const spool = new ReverseSpool({ folder });
        for (const line of kept) await spool.append(line);
        const { bytes } = spool;
        for (const line of dropped) await spool.append(line);
        await spool.cutTo(bytes);
        for (const line of later) await spool.append(line);
        expect(await read(spool)).toEqual([...kept, ...later].toReversed());
        await spool.close();
      }),
      { numRuns: 60 },
    );
  });

  it('says that the disk is full, and goes on after what did not fit was cut', async () => {
    let free = Infinity;
    const spool = new ReverseSpool({ folder, freeBytes: () => free });
    await spool.append('first');
    const { bytes } = spool;
    free = 1000;
    await expect(async () => spool.append('x'.repeat(300_000))).rejects.toThrow(SpoolError);
    await spool.cutTo(bytes);
    await spool.append('second');
    expect(await read(spool)).toEqual(['second', 'first']);
    await spool.close();
  });

  it('leaves no name in the folder', async () => {
    const spool = new ReverseSpool({ folder });
    await spool.append('x'.repeat(300_000));
    expect(readdirSync(folder)).toEqual([]);
    await spool.close();
  });
});
