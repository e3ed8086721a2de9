import { createHash, timingSafeEqual } from 'node:crypto';
import type { User } from './user.ts';

/** A token by its SHA-256, and whose it is. */
export interface KnownToken {
  readonly digest: Buffer;
  readonly user: User;
}

/**
 * Knows bearer tokens by their hashes. A token is looked up by a hash of it, so that neither the lookup's time nor the
 * memory tells anything about other tokens; hashes are then compared in constant time.
 */
export class TokenAuthenticator {
  readonly #users = new Map<string, KnownToken>();
  #people: ReadonlyMap<string, KnownToken> = new Map();

  constructor(tokens: ReadonlyMap<string, User>) {
    for (const [token, user] of tokens) this.add(token, user);
  }

  add(token: string, user: User): void {
    const known = { digest: digestOf(token), user };
    this.#users.set(keyOf(known.digest), known);
  }

  /** Knows these people from now on, instead of those before; tokens that were added otherwise stay. */
  setPeople(people: readonly KnownToken[]): void {
    this.#people = new Map(people.map((known) => [keyOf(known.digest), known]));
  }

  authenticate(token: string): User | undefined {
    const digest = digestOf(token);
    const key = keyOf(digest);
    const known = this.#users.get(key) ?? this.#people.get(key);
    return known !== undefined && timingSafeEqual(known.digest, digest) ? known.user : undefined;
  }

  /** Reads an Authorization header. */
  authenticateHeader(header: string | undefined): User | undefined {
    const [, token] = /^bearer ([^ ]+)$/i.exec(header ?? '') ?? [];
    return token === undefined ? undefined : this.authenticate(token);
  }
}

export function digestOf(token: string): Buffer {
  return createHash('sha256').update(token).digest();
}

const keyOf = (digest: Buffer): string => digest.toString('base64');
