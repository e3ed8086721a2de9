import { expect, it } from 'vitest';
import { partsOf } from '../../store/conformance/parts-of.ts';
import { temporaryStore } from '../../store/sqlite/temporary-store.ts';
import { rollbackFileName } from './rollback-text.ts';

it('names a file after the longest name of a task as files may be named', async () => {
  await using store = await temporaryStore();
  for (const taskName of ['task-1', 'x'.repeat(253)]) {
    const file = { name: rollbackFileName(taskName), contentType: 'application/sql' };
    const { record } = await (await store.files.receive(file, partsOf(taskName))).commit();
    expect(record.name).toMatch(new RegExp(`^rollback-of-${taskName.slice(0, 100)}.*\\.sql$`));
  }
});
