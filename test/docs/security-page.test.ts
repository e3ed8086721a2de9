import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { AddressRules } from '../../agent/connections/address-rules.ts';
import { temporaryStore } from '../../store/sqlite/temporary-store.ts';
import { codeBlocks, readMarkdown, root } from './markdown.ts';

const page = readMarkdown('docs/security.md');
const hasJq = spawnSync('jq', ['--version']).status === 0;

describe('docs/security.md', () => {
  const named = [...page.matchAll(/`((?:test|store)\/\S+\.test\.ts)`(?:: “([^”]+)”)?/g)].map(
    ([, file = '', name = '']) => ({ file, name }),
  );

  it('names tests for what it says was tried', () => {
    expect(named.length).toBeGreaterThan(10);
  });

  it.each(named)('names a test that is there: $file “$name”', ({ file, name }) => {
    expect(existsSync(join(root, file))).toBe(true);
    expect(readFileSync(join(root, file), 'utf8')).toContain(`'${name}`);
  });

  it('lists addresses that are never asked', () => {
    const rules = new AddressRules();
    const [, table = ''] = page.split('## Addresses that are never asked');
    const ranges = [...(table.split('\n## ')[0] ?? '').matchAll(/^\| (`[^|]+) \|/gm)].flatMap(([, cell = '']) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, range = '']) => range.split('/')[0] ?? ''),
    );
    expect(ranges).toHaveLength(11);
    for (const address of ranges) expect(rules.isDenied(address), address).toBe(true);
  });

  it.skipIf(!hasJq)('shows how to check records without Tiangong, and that finds what was changed', async () => {
    await using store = await temporaryStore();
    for (const object of ['tasks/a', 'tasks/天"\\\u2028', 'tasks/c'])
      await store.audit.append({ action: 'deleteTask', user: 'alice', source: '::1', object, status: 200 });
    const records = await store.audit.list({ after: 0, limit: 10 });
    const script = codeBlocks(page, 'sh').find((block) => block.includes('sha256sum')) ?? '';
    const check = (shown: readonly object[]): string => {
      const run = spawnSync('sh', ['-c', script.replace(' audit.json', '')], {
        input: JSON.stringify({ records: shown }),
      });
      expect(run.stderr.toString()).toBe('');
      return run.stdout.toString();
    };
    expect(check(records)).toBe('');
    expect(check(records.map((record) => (record.seq === 2 ? { ...record, user: 'bob' } : record)))).toBe('2\n3\n');
    expect(check(records.filter(({ seq }) => seq !== 2))).toBe('3\n');
  });
});
