import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseEntry } from './zip-entry.ts';

const SQL = ['.sql'];
const choose = (names: readonly string[], wanted?: string): string | number => chooseEntry(names, wanted, SQL);

const segment = fc.stringMatching(/^[a-zA-Z0-9_. -]{1,6}$/);
const path = fc.array(segment, { minLength: 1, maxLength: 3 }).map((segments) => segments.join('/'));
const anyName = fc.oneof(
  path,
  path.map((name) => `${name}.sql`),
  path.map((name) => `${name}/`),
);

describe('the entry of a zip archive that a task means', () => {
  it.each([
    [['b.sql', 'a.sql', 'a.txt'], 1],
    [['z/1.sql', 'a.sql'], 1],
    [['README', 'folder.sql/', 'UP.SQL'], 2],
    [['__MACOSX/._a.sql', '._b.sql', 'c.sql'], 2],
  ])('is without a name the first in name order of %j', (names, index) => {
    expect(choose(names)).toBe(index);
  });

  it('is the one with the full name before those with the base name', () => {
    expect(choose(['x/a.sql', 'a.sql', 'y/a.sql'], 'a.sql')).toBe(1);
    expect(choose(['x/a.sql', 'y/b.sql'], 'a.sql')).toBe(0);
    expect(choose(['x/a.sql', 'y/a.sql'], 'y/a.sql')).toBe(1);
    expect(choose(['data.json', 'a.sql'], 'data.json')).toBe(0);
  });

  it('is never guessed', () => {
    expect(choose(['a.txt', 'b.sql/'])).toBe('no .sql file found in zip');
    expect(choose([])).toBe('no .sql file found in zip');
    expect(choose(['a.sql'], 'b.sql')).toBe("file 'b.sql' not found in zip");
    expect(choose(['a.sql'], '')).toBe("file '' not found in zip");
    expect(choose(['x/a.sql', 'y/a.sql'], 'a.sql')).toBe(
      "file 'a.sql' is 2 times in the zip: x/a.sql, y/a.sql; give its full name",
    );
    expect(choose(['a.sql', 'a.sql'])).toBe("file 'a.sql' is more than once in the zip");
    expect(chooseEntry(['a.sql'], undefined, ['.yaml', '.json'])).toBe('no .yaml or .json file found in zip');
  });

  it('does not depend on the order in which the entries lie', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(anyName),
        fc.option(anyName, { nil: undefined }),
        fc.infiniteStream(fc.nat()),
        (names, wanted, keys) => {
          const shuffled = names
            .map((name) => ({ name, key: keys.next().value as number }))
            .sort((a, b) => a.key - b.key)
            .map(({ name }) => name);
          const [one, other] = [choose(names, wanted), choose(shuffled, wanted)];
          if (typeof one === 'number') expect(shuffled[other as number]).toBe(names[one]);
          else expect(typeof other).toBe('string');
        },
      ),
    );
  });

  it('is a file with a fitting name, and with none before it', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName), (names) => {
        const index = choose(names);
        const fitting = names.filter((name) => /\.sql$/i.test(name) && !/(^|\/)\._[^/]*$/.test(name));
        if (typeof index === 'string') expect(fitting).toEqual([]);
        else expect(names[index]).toBe(fitting.sort()[0]);
      }),
    );
  });

  it('is found by its full name whatever else is there', () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyName, { minLength: 1 }), fc.nat(), (names, number) => {
        const wanted = names[number % names.length]!;
        if (!wanted.endsWith('/')) expect(choose(names, wanted)).toBe(names.indexOf(wanted));
      }),
    );
  });
});
