import type { KubeClient } from '../../kube/client.ts';
import { KubeError } from '../../kube/kube-error.ts';
import { withTimeout } from '../../kube/with-timeout.ts';
import { ApiError } from '../errors.ts';

/** An API server asks webhooks of its own for some answers; whoever waits here longer is told to try again. */
const TIMEOUT_MS = 10_000;

/** Whoever sends tokens that nobody knows must not take the API server's time from others. */
const MAX_AT_ONCE = 32;
const MAX_WAITING = 1000;

export type ReviewKind = 'TokenReview' | 'SubjectAccessReview';

const PATHS: Readonly<Record<ReviewKind, { readonly group: string; readonly plural: string }>> = {
  TokenReview: { group: 'authentication.k8s.io', plural: 'tokenreviews' },
  SubjectAccessReview: { group: 'authorization.k8s.io', plural: 'subjectaccessreviews' },
};

/** Asks the Kubernetes API about tokens and rights, a bounded number of questions at a time. */
export class Reviews {
  readonly #client: KubeClient;
  readonly #timeoutMs: number;
  readonly #waiting: (() => void)[] = [];
  #underWay = 0;

  /** `timeoutMs`: how long an answer is waited for; 10 s unless set. */
  constructor(client: KubeClient, { timeoutMs = TIMEOUT_MS }: { readonly timeoutMs?: number } = {}) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
  }

  /**
   * The `status` of the review. Rejects with `ReviewFailed` when there is no answer, for whatever reason: never take
   * that for a yes. Rejects with `TooManyRequests` when too many wait.
   */
  async ask<T>(kind: ReviewKind, spec: object): Promise<T | undefined> {
    await this.#enter();
    try {
      const { group, plural } = PATHS[kind];
      const body = JSON.stringify({ apiVersion: `${group}/v1`, kind, spec });
      const path = `/apis/${group}/v1/${plural}`;
      const ask = (signal: AbortSignal): Promise<{ status?: T }> =>
        this.#client.raw({ method: 'POST', path, body, signal });
      return (await withTimeout(ask, this.#timeoutMs)).status;
    } catch (err) {
      throw failure(kind, err);
    } finally {
      const next = this.#waiting.shift();
      // Whoever waits takes the place over, so that nobody comes between.
      if (next === undefined) this.#underWay -= 1;
      else next();
    }
  }

  async #enter(): Promise<void> {
    if (this.#waiting.length >= MAX_WAITING)
      throw new ApiError('TooManyRequests', undefined, { headers: { 'Retry-After': '1' } });
    if (this.#underWay < MAX_AT_ONCE) this.#underWay += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }
}

function failure(kind: ReviewKind, cause: unknown): ApiError {
  const text =
    cause instanceof KubeError && cause.code === 403
      ? `the API may not create a ${kind}: bind the ClusterRole system:auth-delegator to its ServiceAccount`
      : undefined;
  return new ApiError('ReviewFailed', text, { cause, headers: { 'Retry-After': '1' } });
}
