import { hash } from 'node:crypto';
import { ByteLru } from '../byte-lru.ts';
import type { Reviews } from './reviews.ts';
import type { User } from './user.ts';

interface TokenReviewStatus {
  readonly authenticated?: boolean;
  readonly user?: {
    readonly username?: string;
    readonly groups?: readonly string[];
    readonly uid?: string;
    readonly extra?: Readonly<Record<string, readonly string[]>>;
  };
}

export interface AuthenticatorOptions {
  /** How long an answer of the API server is relied upon: a token that is taken back works that much longer. 60 s unless set. */
  readonly maxAgeMs?: number;
  /** A token that was refused may be a new one that another server does not know yet. 5 s unless set. */
  readonly refusedMaxAgeMs?: number;
}

interface Entry {
  readonly user: Promise<User | undefined>;
  until: number;
}

const MAX_TOKENS = 10_000;

/** Asks the Kubernetes API whose token it is (TokenReview). Answers are kept for a while by a digest; tokens never are. */
export class Authenticator {
  readonly #reviews: Reviews;
  readonly #maxAgeMs: number;
  readonly #refusedMaxAgeMs: number;
  readonly #known = new ByteLru<Entry>(MAX_TOKENS);

  constructor(reviews: Reviews, { maxAgeMs = 60_000, refusedMaxAgeMs = 5000 }: AuthenticatorOptions = {}) {
    this.#reviews = reviews;
    this.#maxAgeMs = maxAgeMs;
    this.#refusedMaxAgeMs = refusedMaxAgeMs;
  }

  /** Whose token it is; undefined when it is not valid. Rejects as `Reviews.ask` does. */
  async authenticate(token: string): Promise<User | undefined> {
    const key = hash('sha256', token, 'base64');
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() < known.until) return known.user;
    const entry = { user: this.#ask(token), until: performance.now() + this.#maxAgeMs };
    this.#known.set(key, entry, 1);
    try {
      const user = await entry.user;
      if (user === undefined) entry.until = performance.now() + this.#refusedMaxAgeMs;
      return user;
    } catch (err) {
      this.#known.delete(key);
      throw err;
    }
  }

  async #ask(token: string): Promise<User | undefined> {
    const status = await this.#reviews.ask<TokenReviewStatus>('TokenReview', { token });
    if (status?.authenticated !== true) return undefined;
    const { username: name = '', groups = [], uid = '', extra = {} } = status.user ?? {};
    return name === '' ? undefined : { name, groups, uid, extra };
  }
}
