import { createHash } from 'node:crypto';
import type { KubeClient } from '../../kube/client.ts';
import { ByteLru } from '../byte-lru.ts';

/** Who a bearer token belongs to. */
export interface Caller {
  /** The agent's name; undefined for an administrator, who may read for every agent. */
  readonly agent: string | undefined;
  readonly user: string;
}

interface TokenReview {
  status?: { authenticated?: boolean; user?: { username?: string; groups?: string[] } };
}

/** How long an answer of the API server is relied upon. */
const MAX_AGE_MS = 60_000;

/** A token that was refused may be a new one that another server does not know yet. */
const REFUSED_MAX_AGE_MS = 5000;

const MAX_TOKENS = 10_000;
const AGENT_USER = /^tiangong:agent:([a-z0-9.-]{1,63})$/;

/** Asks the Kubernetes API who a token belongs to (TokenReview), and remembers the answer for a minute. */
export class TokenReviewer {
  readonly #client: KubeClient;
  readonly #known = new ByteLru<{ caller: Promise<Caller | undefined>; until: number }>(MAX_TOKENS);

  constructor(client: KubeClient) {
    this.#client = client;
  }

  /** The caller behind a token; undefined when the token is not valid or neither an agent's nor an administrator's. */
  async review(token: string): Promise<Caller | undefined> {
    const key = createHash('sha256').update(token).digest('base64');
    const known = this.#known.get(key);
    if (known !== undefined && performance.now() < known.until) return known.caller;
    const entry = { caller: this.#ask(token), until: performance.now() + MAX_AGE_MS };
    this.#known.set(key, entry, 1);
    try {
      const caller = await entry.caller;
      if (caller === undefined) entry.until = performance.now() + REFUSED_MAX_AGE_MS;
      return caller;
    } catch (err) {
      this.#known.delete(key);
      throw err;
    }
  }

  async #ask(token: string): Promise<Caller | undefined> {
    const { status } = await this.#client.raw<TokenReview>({
      method: 'POST',
      path: '/apis/authentication.k8s.io/v1/tokenreviews',
      body: JSON.stringify({ apiVersion: 'authentication.k8s.io/v1', kind: 'TokenReview', spec: { token } }),
    });
    if (status?.authenticated !== true) return undefined;
    const { username: user = '', groups = [] } = status.user ?? {};
    const agent = AGENT_USER.exec(user)?.[1];
    return agent !== undefined || groups.includes('system:masters') ? { agent, user } : undefined;
  }
}
