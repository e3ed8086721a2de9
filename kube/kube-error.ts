/** The API server's own description of a failure (Kubernetes API conventions, "Response Status Kind"). */
export interface KubeStatus {
  kind?: string;
  status?: string;
  message?: string;
  reason?: string;
  code?: number;
  details?: {
    name?: string;
    kind?: string;
    retryAfterSeconds?: number;
    causes?: { reason?: string; message?: string; field?: string }[];
  };
}

/** An answer of a Kubernetes API with a status of 400 or more. */
export class KubeError extends Error {
  override readonly name = 'KubeError';
  /** The HTTP status code. */
  readonly code: number;
  /** The machine-readable reason, such as `NotFound`, `Conflict` or `Invalid`; empty when the server gave none. */
  readonly reason: string;
  readonly status: KubeStatus;
  /** How long the server asks to wait before the next try, in milliseconds. */
  readonly retryAfterMs: number | undefined;

  constructor(code: number, status: KubeStatus, what: string, retryAfterMs?: number) {
    super(`${what}: ${status.message ?? `HTTP ${code}`}`);
    this.code = code;
    this.reason = status.reason ?? '';
    this.status = status;
    const seconds = status.details?.retryAfterSeconds;
    this.retryAfterMs = retryAfterMs ?? (seconds === undefined ? undefined : seconds * 1000);
  }
}

const hasCode = (err: unknown, code: number): boolean => err instanceof KubeError && err.code === code;

export const isNotFound = (err: unknown): boolean => hasCode(err, 404);

/** The caller may not do this. */
export const isForbidden = (err: unknown): boolean => hasCode(err, 403);

/** A write was decided on an old version of the object: look again. */
export const isConflict = (err: unknown): boolean => hasCode(err, 409) && (err as KubeError).reason !== 'AlreadyExists';

export const isAlreadyExists = (err: unknown): boolean =>
  hasCode(err, 409) && (err as KubeError).reason === 'AlreadyExists';

/** The object breaks a rule of its schema. */
export const isInvalid = (err: unknown): boolean => hasCode(err, 422);

/** The list or watch position is too old: list again. */
export const isGone = (err: unknown): boolean => hasCode(err, 410);

/** The object is larger than the server takes: the limits of etcd and of its client come as a 500. */
export const isTooLarge = (err: unknown): boolean =>
  hasCode(err, 413) ||
  (hasCode(err, 500) && /too large|larger than max|exceed(s|ed)? .*(size|limit)/i.test((err as KubeError).message));
