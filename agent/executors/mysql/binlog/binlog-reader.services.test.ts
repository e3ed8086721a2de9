import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../../test/services/service.ts';
import { LoggedDatabase } from './testing/logged-database.ts';

describe.each(['mysql', 'mariadb'] as const)('BinlogReader with %s', (name) => {
  describe.skipIf(!hasServices(name))('real', () => {
    let db: LoggedDatabase;
    beforeAll(async () => {
      db = await LoggedDatabase.create(await service(name));
      await db.session.query('CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20)) ENGINE=InnoDB');
    });
    afterAll(() => db.drop());

    it('gives the rows of a transaction in their order, and where statements end', async () => {
      const changes = await db.changes(
        'START TRANSACTION',
        "INSERT INTO t VALUES (1, 'a'), (2, NULL)",
        "UPDATE t SET v = 'b' WHERE id = 1",
        'DELETE FROM t',
        'COMMIT',
      );
      const id = (text: string) => ({ kind: 'number', text });
      const v = (text: string) => ({ kind: 'text', charset: 'utf8mb4', bytes: Buffer.from(text) });
      const head = { schema: db.name, table: 't' };
      expect(changes).toEqual([
        { ...head, kind: 'insert', after: [id('1'), v('a')], statementEnd: false },
        { ...head, kind: 'insert', after: [id('2'), null], statementEnd: true },
        { ...head, kind: 'update', before: [id('1'), v('a')], after: [id('1'), v('b')], statementEnd: true },
        { ...head, kind: 'delete', before: [id('1'), v('b')], statementEnd: false },
        { ...head, kind: 'delete', before: [id('2'), null], statementEnd: true },
      ]);
    });
  });
});
