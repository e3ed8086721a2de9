import type { Request, Response } from 'express';

/** Who calls, as the Kubernetes API names them (TokenReview's `user`). */
export interface User {
  readonly name: string;
  readonly groups: readonly string[];
  readonly uid: string;
  /** What else the token says: of a pod's token the names of the pod and its node. */
  readonly extra: Readonly<Record<string, readonly string[]>>;
}

/** Who sent the request; undefined where callers are not asked who they are (`--auth none`). */
export const userOf = (res: Response | undefined): User | undefined =>
  (res?.locals as { user?: User } | undefined)?.user;

export function setUser(res: Response, user: User): void {
  (res.locals as { user?: User }).user = user;
}

/** The token of a request; undefined when it shows none. */
export function bearerTokenOf({ headers }: Request): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(headers.authorization ?? '')?.[1];
}
