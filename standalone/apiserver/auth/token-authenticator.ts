import { createHash, timingSafeEqual } from 'node:crypto';
import type { User } from './user.ts';

/**
 * Knows bearer tokens by their hashes. A token is looked up by a hash of it, so that neither the lookup's time nor the
 * memory tells anything about other tokens; hashes are then compared in constant time.
 */
export class TokenAuthenticator {
  readonly #users = new Map<string, { readonly digest: Buffer; readonly user: User }>();

  constructor(tokens: ReadonlyMap<string, User>) {
    for (const [token, user] of tokens) this.add(token, user);
  }

  add(token: string, user: User): void {
    const digest = digestOf(token);
    this.#users.set(digest.toString('base64'), { digest, user });
  }

  authenticate(token: string): User | undefined {
    const digest = digestOf(token);
    const known = this.#users.get(digest.toString('base64'));
    return known !== undefined && timingSafeEqual(known.digest, digest) ? known.user : undefined;
  }

  /** Reads an Authorization header. */
  authenticateHeader(header: string | undefined): User | undefined {
    const [, token] = /^bearer ([^ ]+)$/i.exec(header ?? '') ?? [];
    return token === undefined ? undefined : this.authenticate(token);
  }
}

function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}
