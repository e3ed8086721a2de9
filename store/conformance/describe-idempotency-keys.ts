import { describe, expect, it } from 'vitest';
import type { MakeStore } from './describe-task-streams.ts';

/** What every implementation of IdempotencyKeys does. */
export function describeIdempotencyKeys(name: string, makeStore: MakeStore): void {
  describe(`${name}: idempotency keys`, () => {
    it('belong to the name of the first claim', async () => {
      await using store = await makeStore();
      const keys = store.idempotencyKeys;
      const digest = keys.digest('body');
      const claims = await Promise.all(['n1', 'n2', 'n3'].map((task) => keys.claim('', 'k', digest, task)));
      expect(claims.filter(({ first }) => first)).toHaveLength(1);
      expect(new Set(claims.map((claim) => claim.name)).size).toBe(1);
      expect(claims.every(({ sameBody, confirmed }) => sameBody && !confirmed)).toBe(true);
    });

    it('tell another body, and whether the object was created', async () => {
      await using store = await makeStore();
      const keys = store.idempotencyKeys;
      await keys.claim('', 'k', keys.digest('one'), 'n1');
      expect(await keys.claim('', 'k', keys.digest('two'), 'n2')).toMatchObject({ name: 'n1', sameBody: false });
      await keys.confirm('', 'k');
      expect(await keys.claim('', 'k', keys.digest('one'), 'n2')).toMatchObject({ sameBody: true, confirmed: true });
    });

    it('are apart for each caller', async () => {
      await using store = await makeStore();
      const digest = store.idempotencyKeys.digest('body');
      await store.idempotencyKeys.claim('alice', 'k', digest, 'n1');
      expect(await store.idempotencyKeys.claim('bob', 'k', digest, 'n2')).toMatchObject({ name: 'n2', first: true });
    });

    it('may be claimed anew once given up, unless the object was created', async () => {
      await using store = await makeStore();
      const keys = store.idempotencyKeys;
      const digest = keys.digest('body');
      await keys.claim('', 'k', digest, 'n1');
      await keys.release('', 'k');
      expect(await keys.claim('', 'k', digest, 'n2')).toMatchObject({ name: 'n2', first: true });
      await keys.confirm('', 'k');
      await keys.release('', 'k');
      expect(await keys.claim('', 'k', digest, 'n3')).toMatchObject({ name: 'n2', first: false });
    });

    it('are forgotten by age', async () => {
      await using store = await makeStore();
      const keys = store.idempotencyKeys;
      await keys.claim('', 'k', keys.digest('body'), 'n1');
      expect(await keys.forget(Date.now() - 60_000)).toBe(0);
      expect(await keys.forget(Date.now() + 60_000)).toBe(1);
      expect(await keys.claim('', 'k', keys.digest('other'), 'n2')).toMatchObject({ first: true });
    });

    it('are compared by digests that do not give the body away', async () => {
      await using store = await makeStore();
      await using other = await makeStore();
      expect(store.idempotencyKeys.digest('body')).toBe(store.idempotencyKeys.digest('body'));
      expect(store.idempotencyKeys.digest('body')).not.toBe(other.idempotencyKeys.digest('body'));
    });
  });
}
