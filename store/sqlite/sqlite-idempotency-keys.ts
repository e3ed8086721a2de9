import { createHmac } from 'node:crypto';
import type { Claim, IdempotencyKeys } from '../idempotency-keys.ts';
import type { Database } from './database.ts';

interface Row {
  digest: string;
  name: string;
  confirmed: number;
}

export class SqliteIdempotencyKeys implements IdempotencyKeys {
  readonly #db: Database;
  readonly #secret: Uint8Array;

  constructor(db: Database, secret: Uint8Array) {
    this.#db = db;
    this.#secret = secret;
  }

  digest(body: string): string {
    return createHmac('sha256', this.#secret).update(body).digest('hex');
  }

  claim(scope: string, key: string, digest: string, name: string): Promise<Claim> {
    return this.#db.write(() => {
      const row = this.#db
        .prepare('SELECT digest, name, confirmed FROM idempotency_key WHERE scope = ? AND key = ?')
        .get(scope, key) as Row | undefined;
      if (row !== undefined)
        return { name: row.name, first: false, sameBody: row.digest === digest, confirmed: row.confirmed !== 0 };
      this.#db
        .prepare(
          'INSERT INTO idempotency_key (scope, key, digest, name, confirmed, created_at) VALUES (?, ?, ?, ?, 0, ?)',
        )
        .run(scope, key, digest, name, Date.now());
      return { name, first: true, sameBody: true, confirmed: false };
    });
  }

  async confirm(scope: string, key: string): Promise<void> {
    await this.#db.write(() =>
      this.#db.prepare('UPDATE idempotency_key SET confirmed = 1 WHERE scope = ? AND key = ?').run(scope, key),
    );
  }

  async release(scope: string, key: string): Promise<void> {
    await this.#db.write(() =>
      this.#db.prepare('DELETE FROM idempotency_key WHERE scope = ? AND key = ? AND confirmed = 0').run(scope, key),
    );
  }

  forget(time: number): Promise<number> {
    return this.#db.write(() =>
      Number(this.#db.prepare('DELETE FROM idempotency_key WHERE created_at < ?').run(time).changes),
    );
  }
}
