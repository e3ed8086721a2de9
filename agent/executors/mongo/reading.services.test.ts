import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { TestDatabase } from './testing/test-database.ts';

describe.skipIf(!hasServices('mongo'))('MongoExecutor and what it reads', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('mongo'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  const users = { operation: 'insert', collection: 'users' };

  it('shows what it finds as a table', async () => {
    const { result } = await database.run([
      {
        ...users,
        collection: 'found',
        documents: [
          {
            _id: { $oid: '65f0a1b2c3d4e5f601234567' },
            n: { $numberLong: '9007199254740993' },
            at: { $date: '2026-01-31' },
          },
          { _id: 2, n: 1.5, tags: ['a', { b: 1 }], big: { $numberDecimal: '0.10' } },
        ],
      },
      { operation: 'find', collection: 'found', sort: { n: -1 } },
      { operation: 'find', collection: 'found', filter: { n: 1.5 }, projection: { _id: 1 } },
      { operation: 'aggregate', collection: 'found', pipeline: [{ $group: { _id: null, n: { $sum: 1 } } }] },
      { operation: 'count', collection: 'found', filter: { n: { $gt: 2 } } },
      { operation: 'distinct', collection: 'found', field: 'tags' },
      { operation: 'find', collection: 'found', sort: { n: 1 }, skip: 1, limit: 1, projection: { _id: 0, n: 1 } },
    ]);
    expect(result.toString()).toBe(`Operation 1: INSERT SUCCESS (Documents: 2)
Operation 2: FIND SUCCESS (Documents: 2)
           _id            |        n         |            at            |     tags      | big
--------------------------+------------------+--------------------------+---------------+------
 65f0a1b2c3d4e5f601234567 | 9007199254740993 | 2026-01-31T00:00:00.000Z |               |
 2                        | 1.5              |                          | ["a",{"b":1}] | 0.10
(2 rows)
Operation 3: FIND SUCCESS (Documents: 1)
 _id
-----
   2
(1 row)
Operation 4: AGGREGATE SUCCESS (Documents: 1)
 _id  | n
------+---
 NULL | 2
(1 row)
Operation 5: COUNT SUCCESS (Documents: 1)
Operation 6: DISTINCT SUCCESS (Documents: 2)
  tags
---------
 a
 {"b":1}
(2 rows)
Operation 7: FIND SUCCESS (Documents: 1)
        n
------------------
 9007199254740993
(1 row)`);
  });

  it('keeps every type of Extended JSON there and back', async () => {
    const document = {
      _id: { $oid: '65f0a1b2c3d4e5f601234567' },
      int: 7,
      long: { $numberLong: '9223372036854775807' },
      decimal: { $numberDecimal: '1234567890.123456789012345678' },
      date: { $date: '2026-01-31T12:00:00.250Z' },
      binary: { $binary: { base64: 'AP8=', subType: '00' } },
      uuid: { $binary: { base64: 'c//SZESzTGmQ6OfR38A11A==', subType: '04' } },
      regex: { $regularExpression: { pattern: '^a', options: 'i' } },
      timestamp: { $timestamp: { t: 4_294_967_295, i: 1 } },
      nothing: null,
      list: [1.5, 'text', true, { deep: { $numberLong: '-9223372036854775808' } }],
    };
    const { result } = await database.run(
      [
        { ...users, collection: 'types', documents: [document] },
        { operation: 'find', collection: 'types' },
      ],
      { result_format: 'json' },
    );
    expect(JSON.parse(result.toString())).toEqual({
      statements: [
        { operation: 1, kind: 'insert', collection: 'types', success: true, documents: 1 },
        { operation: 2, kind: 'find', collection: 'types', success: true, documents: 1, rows: [document] },
      ],
      success: true,
      operations: 2,
      done: 2,
    });
  });

  it('writes a collection from a pipeline', async () => {
    const pipeline = [{ $match: { _id: { $lt: 3 } } }, { $out: 'copied' }];
    const { result } = await database.run({ operation: 'aggregate', collection: 'many', pipeline });
    expect(result.toString()).toBe('Operation 1: AGGREGATE SUCCESS');
    expect(await database.stored('copied')).toHaveLength(3);
  });

  it('finds 200,000 documents in bounded memory', async () => {
    const numbered = { _id: { $add: [{ $multiply: ['$_id', 100] }, '$part'] }, text: { $literal: 'x'.repeat(1000) } };
    const pipeline = [
      { $match: { _id: { $lt: 2000 } } },
      { $project: { part: { $range: [0, 100] } } },
      { $unwind: '$part' },
      { $project: numbered },
      { $out: 'lots' },
    ];
    await database.documents.collection('many').aggregate(pipeline).toArray();
    const finder = join(import.meta.dirname, 'testing/find-process.ts');
    const argument = JSON.stringify({
      target: database.target(),
      collection: 'lots',
      password: database.server.password,
    });
    const { stdout } = await promisify(execFile)(process.execPath, [finder, argument]);
    const { state, bytes, maxRssMiB } = JSON.parse(stdout) as { state: string; bytes: number; maxRssMiB: number };
    expect(state).toBe('Succeeded');
    expect(bytes).toBeGreaterThan(200_000_000);
    // Node and the driver alone have 100.
    expect(maxRssMiB).toBeLessThan(240);
  });
});
