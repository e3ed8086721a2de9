import { afterEach, beforeEach, describe } from 'vitest';
import { driverTests } from './source-driver-tests.ts';
import { snapshotTests } from './source-snapshot-tests.ts';
import { streamTests } from './source-stream-tests.ts';
import { SourceUnderTest } from './source-under-test.ts';
import type { SourceWorld } from './source-under-test.ts';

/** What every source does, whatever it reads. `create` makes a new, empty place for each test. */
export function describeSource(name: string, create: () => Promise<SourceWorld>): void {
  describe(`the source ${name}`, () => {
    let test: SourceUnderTest | undefined;
    const current = (): SourceUnderTest => {
      if (test === undefined) throw new Error('the test has not begun');
      return test;
    };

    beforeEach(async () => {
      test = new SourceUnderTest(await create());
    });
    afterEach(async () => {
      await test?.close();
      test = undefined;
    });

    streamTests(current);
    snapshotTests(current);
    driverTests(current);
  });
}
