import { join, dirname, basename } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { safeFileName } from './file-name.ts';

describe('safeFileName', () => {
  it.each([
    ['a.sql', 'a.sql'],
    ['数据 1.sql', '数据 1.sql'],
    ['../../etc/evil.txt', 'evil.txt'],
    ['..\\..\\evil.txt', 'evil.txt'],
    ['/etc/', 'etc'],
    ['a\n\x1b[31m.sql', 'a[31m.sql'],
    ['..', 'id'],
    ['.\0.', 'id'],
    ['', 'id'],
    ['x'.repeat(256), 'id'],
  ])('makes of %j %j', (name, safe) => {
    expect(safeFileName(name, 'id')).toBe(safe);
  });

  it('is one part of a path, whatever the name', () => {
    const part = fc.constantFrom('..', '.', '/', '\\', '\0', '\n', 'a', 'ä', ' ', '-');
    const names = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(part).map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(names, (name) => {
        const path = join('/folder', safeFileName(name, 'id'));
        expect(dirname(path)).toBe('/folder');
        expect(Buffer.byteLength(basename(path))).toBeLessThanOrEqual(255);
        expect(path).not.toMatch(/\p{Cc}/u);
      }),
    );
  });
});
