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

export type ReviewObserver = (kind: ReviewKind, outcome: 'answered' | 'failed', seconds: number) => void;

export interface ReviewsOptions {
  /** How long an answer is waited for; 10 s unless set. */
  readonly timeoutMs?: number;
  /** Hears of every review that was asked. */
  readonly observe?: ReviewObserver;
}

/** Asks the Kubernetes API about tokens and rights, a bounded number of questions at a time. */
export class Reviews {
  readonly #client: KubeClient;
  readonly #timeoutMs: number;
  readonly #observe: ReviewObserver;
  readonly #waiting = new Set<() => void>();
  #underWay = 0;

  constructor(client: KubeClient, { timeoutMs = TIMEOUT_MS, observe = () => undefined }: ReviewsOptions = {}) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#observe = observe;
  }

  /**
   * The `status` of the review. Rejects with `ReviewFailed` when there is no answer, for whatever reason: never take
   * that for a yes. Rejects with `TooManyRequests` when too many wait.
   */
  async ask<T>(kind: ReviewKind, spec: object): Promise<T | undefined> {
    await this.#enter();
    const startedAt = performance.now();
    let outcome: 'answered' | 'failed' = 'failed';
    try {
      const { group, plural } = PATHS[kind];
      const body = JSON.stringify({ apiVersion: `${group}/v1`, kind, spec });
      const path = `/apis/${group}/v1/${plural}`;
      const ask = (signal: AbortSignal): Promise<{ status?: T }> =>
        this.#client.raw({ method: 'POST', path, body, signal });
      const { status } = await withTimeout(ask, this.#timeoutMs);
      outcome = 'answered';
      return status;
    } catch (err) {
      throw failure(kind, err);
    } finally {
      this.#observe(kind, outcome, (performance.now() - startedAt) / 1000);
      this.#leave();
    }
  }

  /** Waits for a place, as long as for an answer at most. */
  async #enter(): Promise<void> {
    if (this.#underWay < MAX_AT_ONCE) {
      this.#underWay += 1;
      return;
    }
    if (this.#waiting.size >= MAX_WAITING) throw tooMany();
    await new Promise<void>((resolve, reject) => {
      const enter = (): void => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(enter);
        reject(tooMany());
      }, this.#timeoutMs);
      this.#waiting.add(enter);
    });
  }

  #leave(): void {
    const [next] = this.#waiting;
    if (next === undefined) {
      this.#underWay -= 1;
      return;
    }
    // Whoever waits takes the place over, so that nobody comes between.
    this.#waiting.delete(next);
    next();
  }
}

const tooMany = (): ApiError => new ApiError('TooManyRequests', undefined, { headers: { 'Retry-After': '1' } });

function failure(kind: ReviewKind, cause: unknown): ApiError {
  const text =
    cause instanceof KubeError && cause.code === 403
      ? `the API may not create a ${kind}: bind the ClusterRole system:auth-delegator to its ServiceAccount`
      : undefined;
  return new ApiError('ReviewFailed', text, { cause, headers: { 'Retry-After': '1' } });
}
