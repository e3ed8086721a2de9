import { hash } from 'node:crypto';
import { ByteLru } from '../byte-lru.ts';
import { GROUP } from './attributes.ts';
import type { Attributes } from './attributes.ts';
import type { Reviews } from './reviews.ts';
import type { User } from './user.ts';

/** How long an answer is relied upon: a right that is taken away is still had that much longer. */
const MAX_AGE_MS = 10_000;

const MAX_ANSWERS = 20_000;

interface Entry {
  readonly allowed: Promise<boolean>;
  readonly until: number;
}

/** Asks the Kubernetes API what callers may do (SubjectAccessReview), so that its RBAC decides; answers are kept for 10 s. */
export class Authorizer {
  readonly #reviews: Reviews;
  readonly #maxAgeMs: number;
  readonly #known = new ByteLru<Entry>(MAX_ANSWERS);
  readonly #subjects = new WeakMap<User, string>();

  constructor(reviews: Reviews, maxAgeMs = MAX_AGE_MS) {
    this.#reviews = reviews;
    this.#maxAgeMs = maxAgeMs;
  }

  /**
   * Whether the user may. Most may do something to all objects of a namespace or to none: that is asked first, and
   * answers for all of them; about the one object only when it is no. Rejects as `Reviews.ask` does.
   */
  async allows(user: User, attributes: Attributes): Promise<boolean> {
    if ('path' in attributes || attributes.name === undefined) return this.#review(user, attributes);
    const { name: _name, ...any } = attributes;
    return (await this.#review(user, any)) || this.#review(user, attributes);
  }

  async #review(user: User, attributes: Attributes): Promise<boolean> {
    const key = `${this.#subject(user)} ${JSON.stringify(attributes)}`;
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() < known.until) return known.allowed;
    const entry = { allowed: this.#ask(user, attributes), until: performance.now() + this.#maxAgeMs };
    this.#known.set(key, entry, 1);
    try {
      return await entry.allowed;
    } catch (err) {
      this.#known.delete(key);
      throw err;
    }
  }

  async #ask({ name, groups, uid, extra }: User, attributes: Attributes): Promise<boolean> {
    const status = await this.#reviews.ask<{ allowed?: boolean }>('SubjectAccessReview', {
      ...{ user: name, groups, uid, extra },
      ...('path' in attributes
        ? { nonResourceAttributes: attributes }
        : { resourceAttributes: { group: GROUP, ...attributes } }),
    });
    return status?.allowed === true;
  }

  /** Everything of a user that a decision may depend on. */
  #subject(user: User): string {
    const known = this.#subjects.get(user);
    if (known !== undefined) return known;
    const subject = hash('sha256', JSON.stringify([user.name, user.uid, user.groups, user.extra]), 'base64');
    this.#subjects.set(user, subject);
    return subject;
  }
}
