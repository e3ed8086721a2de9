import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import type { RowChange } from '../binlog/row-change.ts';
import type { MysqlSession } from '../session/session.ts';
import { rollbackStatement } from './rollback-statement.ts';
import { SCRIPT_SETTINGS } from './rollback-script.ts';
import type { TableFacts } from './table-facts.ts';
import { BackupDatabase } from './testing/backup-database.ts';
import { everyType } from './testing/every-type.ts';
import { exactRows, rowImages } from './testing/exact-rows.ts';

const KEYS = {
  'a primary key': 'PRIMARY KEY (tag)',
  'a composite key': 'PRIMARY KEY (part, tag)',
  'a unique key': 'UNIQUE KEY (tag), UNIQUE KEY (note)',
  'no key': 'KEY (part)',
};

describe.each((['mysql', 'mariadb'] as const).filter((name) => hasServices(name)))(
  'a rollback statement on %s',
  (flavour) => {
    let database: BackupDatabase;
    let session: MysqlSession;
    let rolling: MysqlSession;
    const types = everyType(flavour);

    beforeAll(async () => {
      database = await BackupDatabase.create(await service(flavour));
      session = await database.session();
      rolling = await database.session();
      for (const setting of SCRIPT_SETTINGS) await rolling.query(setting);
    });
    afterAll(() => database?.drop());

    const changes = fc.array(
      fc.record({
        kind: fc.constantFrom('insert', 'insert', 'update', 'update', 'delete'),
        tag: fc.integer({ min: 0, max: 6 }),
        values: fc.uniqueArray(fc.tuple(fc.nat({ max: types.length - 1 }), fc.nat()), {
          maxLength: 12,
          selector: ([place]) => place,
        }),
        seed: fc.integer(),
      }),
      { minLength: 1, maxLength: 25 },
    );

    it.each(Object.entries(KEYS))(
      'brings back each value of each type in a table with %s',
      async (_, key) => {
        const columns = types.map(({ type }, place) => `c${place} ${type} NULL`).join(', ');
        await session.query('DROP TABLE IF EXISTS t');
        await session.query(
          `CREATE TABLE t (tag INT NOT NULL, part VARCHAR(20) NOT NULL DEFAULT 'A', note VARCHAR(20), made INT AS (tag + 1) STORED, touched TIMESTAMP(6) NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), ${columns}, seen INT AS (tag * 2) VIRTUAL, ${key})`,
        );
        const facts = await database.facts(session, 't');
        await fc.assert(
          fc.asyncProperty(changes, async (steps) => {
            await session.query('DELETE FROM t');
            await session.query('INSERT INTO t (tag) VALUES (1), (2)');
            const before = await exactRows(session, facts);
            const undo: string[] = [];
            for (const step of steps) {
              const change = await perform(session, facts, step);
              if (change === undefined) continue;
              const { sql, inexact } = rollbackStatement(change, facts);
              expect(inexact).toBeUndefined();
              if (sql !== undefined) undo.push(sql);
            }
            for (const sql of undo.reverse())
              expect(await rolling.query(sql).then(({ affectedRows }) => affectedRows), sql).toBe(1);
            expect(await exactRows(session, facts)).toEqual(before);
          }),
          { numRuns: 60 },
        );
      },
      300_000,
    );

    it('finds rows by a key of each type that a key can hold', async () => {
      for (const [place, { type, value }] of types.filter(({ key }) => key === true).entries()) {
        const name = `k${place}`;
        await session.query(`DROP TABLE IF EXISTS ${name}`);
        await session.query(`CREATE TABLE ${name} (k ${type} NOT NULL PRIMARY KEY, tag INT)`);
        const facts = await database.facts(session, name);
        await fc.assert(
          fc.asyncProperty(fc.uniqueArray(value, { minLength: 2, maxLength: 4 }), async ([first = '', ...more]) => {
            await session.query(`DELETE FROM ${name}`);
            for (const [tag, key] of more.entries())
              await session.query(`INSERT IGNORE INTO ${name} VALUES (${key}, ${tag})`);
            const before = await exactRows(session, facts);
            // The same key may be written in two ways.
            const { affectedRows } = await session.query(`INSERT IGNORE INTO ${name} VALUES (${first}, 99)`);
            if (affectedRows === 0) return;
            const [after = []] = await rowImages(session, facts, 'tag = 99');
            const common = { schema: facts.schema, table: facts.table, statementEnd: true };
            const update = { ...common, kind: 'update', before: after.with(1, null), after } as const;
            for (const change of [update, { ...common, kind: 'insert', after: update.before } as const]) {
              const { sql = '' } = rollbackStatement(change, facts);
              expect(await rolling.query(sql).then(({ affectedRows: rows }) => rows), sql).toBe(1);
            }
            expect(await exactRows(session, facts)).toEqual(before);
          }),
          { numRuns: 25 },
        );
      }
    }, 300_000);

    /** Changes one row and says how, as the log would. */
    async function perform(
      on: MysqlSession,
      facts: TableFacts,
      {
        kind,
        tag,
        values,
        seed,
      }: { kind: string; tag: number; values: readonly (readonly [number, number])[]; seed: number },
    ): Promise<RowChange | undefined> {
      const where = `tag = ${tag}`;
      const before = (await rowImages(on, facts, where))[0];
      const set = values.map(([place, number]) => {
        const value = fc.sample(types[place]?.value ?? fc.constant('NULL'), { numRuns: 1, seed: seed + number })[0];
        return `c${place} = ${value ?? 'NULL'}`;
      });
      const common = { schema: facts.schema, table: facts.table, statementEnd: true };
      if (kind === 'insert') {
        if (before !== undefined) return undefined;
        await on.query(`INSERT INTO t SET ${[`tag = ${tag}`, ...set].join(', ')}`);
        const after = (await rowImages(on, facts, where))[0];
        return after && { ...common, kind, after };
      }
      if (before === undefined) return undefined;
      if (kind === 'delete') {
        await on.query(`DELETE FROM t WHERE ${where}`);
        return { ...common, kind, before };
      }
      if (set.length === 0) return undefined;
      const { affectedRows } = await on.query(`UPDATE t SET ${set.join(', ')} WHERE ${where}`);
      if (affectedRows === 0) return undefined;
      const after = (await rowImages(on, facts, where))[0];
      return after && { ...common, kind: 'update', before, after };
    }
  },
);
