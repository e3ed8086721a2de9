import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { hasServices, service } from '../../../test/services/service.ts';
import { TestDatabase } from './testing/test-database.ts';

describe.skipIf(!hasServices('mongo'))('MongoExecutor and sequences of operations', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await TestDatabase.create(await service('mongo'));
  });
  afterAll(() => database?.drop());
  beforeEach(() => database.empty());

  const users = { operation: 'insert', collection: 'users' };

  it("runs the manual's sequence, and deletes", async () => {
    const { outcome, result, evidence } = await database.run([
      { operation: 'insert', collection: 'sequence', documents: [{ _id: 1, name: 'user1' }] },
      { operation: 'update', collection: 'sequence', filter: { name: 'user1' }, update: { status: 'active' } },
      { operation: 'insert', collection: 'sequence', documents: [{ _id: 2 }, { _id: 3 }] },
      { operation: 'delete', collection: 'sequence', filter: { _id: { $gt: 1 } } },
    ]);
    expect(outcome).toEqual({ state: 'Succeeded', message: '4 MongoDB operations done' });
    expect(result.toString().split('\n')).toEqual([
      'Operation 1: INSERT SUCCESS (Documents: 1)',
      'Operation 2: UPDATE SUCCESS (Documents: 1)',
      'Operation 3: INSERT SUCCESS (Documents: 2)',
      'Operation 4: DELETE SUCCESS (Documents: 2)',
    ]);
    expect(await database.stored('sequence')).toEqual([{ _id: 1, name: 'user1', status: 'active' }]);
    expect(evidence).toEqual([1, 2, 3, 4].map((number) => `operation ${number} of 4 on ${database.name}.sequence`));
  });

  it('checks the whole sequence before it executes anything', async () => {
    const { outcome, result } = await database.run([
      { ...users, collection: 'unchecked', documents: [{ a: 1 }] },
      { operation: 'delete', collection: 'unchecked' },
    ]);
    expect(outcome).toEqual({ state: 'Failed', reason: 'InvalidParams', message: 'Operation 2: filter is required' });
    expect(result).toHaveLength(0);
    expect(await database.stored('unchecked')).toEqual([]);
  });

  it('stops at the first failure, and says what was done', async () => {
    const { outcome, result, log } = await database.run([
      { ...users, collection: 'failing', documents: [{ _id: 1 }] },
      { ...users, collection: 'failing', documents: [{ _id: 2 }, { _id: 3 }, { _id: 1 }, { _id: 4 }] },
      { operation: 'delete', collection: 'failing', filter: { _id: 1 } },
    ]);
    const line = expect.stringMatching(
      /^Operation 2: ERROR - documents\[2\]: .*[Dd]uplicate key.* \(2 of 4 documents inserted\)$/,
    ) as string;
    expect(outcome).toMatchObject({
      reason: 'OperationFailed',
      message: expect.stringMatching(
        /^MongoDB operations failed: Operation 2: ERROR - .* \(1 of 3 operations done, 1 not begun\)$/,
      ) as string,
    });
    expect(result.toString().split('\n')).toEqual(['Operation 1: INSERT SUCCESS (Documents: 1)', line]);
    expect(log.at(-1)).toEqual({ level: 'error', message: line });
    expect(await database.stored('failing')).toEqual([{ _id: 1 }, { _id: 2 }, { _id: 3 }]);
  });

  it('goes on after failures when it is told to', async () => {
    const documents = [{ _id: 1 }, { _id: 1 }, { _id: 2 }];
    const { outcome } = await database.run(
      [
        { ...users, collection: 'going', documents, ordered: false },
        { operation: 'dropIndex', collection: 'going', name: 'none' },
        { operation: 'delete', collection: 'going', filter: { _id: 1 } },
      ],
      { exec_options: { continue_on_error: true } },
    );
    expect(outcome.message).toMatch(
      /^MongoDB operations failed: Operation 1: ERROR - documents\[1\]: .*\(2 of 3 documents/,
    );
    expect(outcome.message).toMatch(/\nOperation 2: ERROR - .* \(1 of 3 operations done\)$/);
    expect(await database.stored('going')).toEqual([{ _id: 2 }]);
  });
});
