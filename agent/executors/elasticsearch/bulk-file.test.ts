import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { toArray } from '../../testing/to-array.ts';
import { readBulkFile } from './bulk-file.ts';

async function* pieces(...texts: string[]): AsyncGenerator<string> {
  await Promise.resolve();
  yield* texts;
}

async function linesOf(file: Awaited<ReturnType<typeof readBulkFile>>): Promise<(string | undefined)[]> {
  if (file.kind === 'json') throw new Error('it was taken for JSON');
  return (await toArray(file.elements)).map(({ text }) => text);
}

describe('readBulkFile', () => {
  it('reads lines of the bulk API however they come in pieces, without blank ones', async () => {
    const text = '\n{"index":{}}\r\n{"a":"ä\\n"}\n\n{"delete":{"_id":"1"}}';
    const expected = ['{"index":{}}', '{"a":"ä\\n"}', '{"delete":{"_id":"1"}}'];
    await fc.assert(
      fc.asyncProperty(fc.array(fc.integer({ min: 0, max: text.length })), async (cuts) => {
        const ends = [...cuts.sort((a, b) => a - b), text.length];
        const parts = ends.map((end, index) => text.slice(ends[index - 1] ?? 0, end));
        expect(await linesOf(await readBulkFile(pieces(...parts)))).toEqual(expected);
      }),
    );
  });

  it.each([
    ['a command', '{"operation":"bulk",\n"actions":[]}'],
    ['a list of actions', '[{"index":{}}]'],
    ['what is no JSON at all', 'select 1'],
  ])('gives %s as it is', async (_name, text) => {
    expect(await readBulkFile(pieces(text))).toEqual({ kind: 'json', text });
  });

  it('refuses an empty file', async () => {
    await expect(readBulkFile(pieces('', ' \n'))).rejects.toMatchObject({ reason: 'FileInvalid' });
  });

  it('names the line that is no JSON', async () => {
    const file = await readBulkFile(pieces('{"delete":{"_id":"1"}}\n{"delete"'));
    if (file.kind === 'json') throw new Error('it was taken for JSON');
    const [, second] = await toArray(file.elements);
    expect(() => second?.value).toThrow(/^line 2 of the file: /);
  });

  it('refuses a line without end', async () => {
    async function* endless(): AsyncGenerator<string> {
      await Promise.resolve();
      yield '{"delete":{"_id":"1"}}\n';
      for (;;) yield 'x'.repeat(16 * 1024 * 1024);
    }
    const file = await readBulkFile(endless());
    await expect(linesOf(file)).rejects.toMatchObject({ reason: 'FileTooLarge' });
  });
});
