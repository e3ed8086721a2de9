/** What a ServiceAccount's token says of itself. Nobody has checked it here: that is the API server's. */
export interface TokenClaims {
  readonly namespace: string;
  /** The ServiceAccount. */
  readonly account: string;
  /** In milliseconds since 1970. */
  readonly issuedAt: number;
  readonly expiresAt: number;
}

/** Undefined when it is no ServiceAccount's token, or one that does not end. */
export function readClaims(token: string): TokenClaims | undefined {
  try {
    const payload = Buffer.from(token.split('.')[1] ?? '', 'base64url').toString();
    const { sub, iat, exp } = JSON.parse(payload) as Record<string, unknown>;
    const [, namespace, account] = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(String(sub)) ?? [];
    if (namespace === undefined || account === undefined || typeof iat !== 'number' || typeof exp !== 'number')
      return undefined;
    return exp > iat ? { namespace, account, issuedAt: iat * 1000, expiresAt: exp * 1000 } : undefined;
  } catch {
    return undefined;
  }
}
