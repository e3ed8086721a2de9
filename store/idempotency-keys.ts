export interface Claim {
  /** The name that belongs to the key: the one just given, or that of the first claim. */
  readonly name: string;
  /** Whether this call made the claim. */
  readonly first: boolean;
  /** Whether the first claim had the same digest. */
  readonly sameBody: boolean;
  /** Whether the object is known to have been created; then it is never created again. */
  readonly confirmed: boolean;
}

/** Names behind Idempotency-Key headers. Implementations pass `describeIdempotencyKeys`. */
export interface IdempotencyKeys {
  /** A digest of a request body that cannot be guessed back from what is stored: HMAC-SHA-256 with the store's own key. */
  digest(body: string): string;
  /**
   * Ties `name` to `key` within `scope`, unless another name is tied to it already. Resolves once the tie survives a
   * crash. Of two claims at the same time exactly one is the first.
   */
  claim(scope: string, key: string, digest: string, name: string): Promise<Claim>;
  /** Records that the object was created. */
  confirm(scope: string, key: string): Promise<void>;
  /** Gives up a claim whose object could not be created; a confirmed one stays. */
  release(scope: string, key: string): Promise<void>;
  /** Forgets keys claimed before `time` (milliseconds since 1970). Returns how many. */
  forget(time: number): Promise<number>;
}
