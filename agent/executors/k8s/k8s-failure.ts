import { isNotFound, KubeError } from '../../../kube/kube-error.ts';
import type { Target } from './target.ts';
import { TaskFailure } from '../../task-failure.ts';

/** Why a k8s task failed, in words for its author. */
export class K8sFailure extends TaskFailure {
  override readonly name = 'K8sFailure';
}

/** The connection broke after a write was sent: it may have happened. */
export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
}

/** A server that cannot decode a patch quotes the whole object as it would be: of a Secret, all its values. */
const QUOTED_OBJECT = /"\{[^]*\}"/;

/** What the server says, without the path that was called and without whole objects. */
export function serverMessage(err: KubeError): string {
  const { message = `the server answered with status ${err.code}` } = err.status;
  return message.replace(QUOTED_OBJECT, '"{…}"');
}

/** Whether the answer is about this very object, and not about its namespace or its kind. */
export function isMissing(err: unknown, { name, kind }: Pick<Target, 'name' | 'kind'>): boolean {
  if (!isNotFound(err)) return false;
  const { reason, details } = (err as KubeError).status;
  return reason === 'NotFound' && details?.name === name && (details.kind ?? kind.plural) === kind.plural;
}

/** Whether the server has nothing at the path of a kind: it was removed since it was looked up. */
export function isKindGone(err: unknown): boolean {
  return isNotFound(err) && (err as KubeError).status.details?.name === undefined;
}

/**
 * The failure of a call. `doing` completes "failed to", such as `create resource`; with `target` an object that is not
 * there is said to be not found, as the manual has it.
 */
export function failureOf(err: unknown, doing: string, target?: Pick<Target, 'name' | 'kind'>): K8sFailure {
  if (err instanceof K8sFailure) return err;
  if (err instanceof KubeError) {
    const message = serverMessage(err);
    if (isKindGone(err))
      return new K8sFailure('NoMatchForKind', `failed to ${doing}: the server does not have the kind any more`, {
        cause: err,
      });
    // As the other executors say it.
    const known = err.code === 401 ? 'AuthenticationFailed' : err.reason;
    const reason = /^[A-Z][A-Za-z]+$/.test(known) ? known : 'RequestFailed';
    const text =
      target !== undefined && isMissing(err, target)
        ? `resource not found: ${message}`
        : `failed to ${doing}: ${message}`;
    return new K8sFailure(reason, text, { cause: err });
  }
  const reason = err instanceof ConnectionLost ? 'ConnectionLost' : 'ConnectionFailed';
  return new K8sFailure(reason, `failed to ${doing}: connection failed: ${networkMessage(err)}`, {
    cause: err,
  });
}

/** What went wrong on the way to the server: drivers of the network hide it in causes. */
export function networkMessage(err: unknown): string {
  if (!(err instanceof Error)) return String(err);
  const inner = err instanceof AggregateError ? (err.errors as unknown[])[0] : err.cause;
  return err.message === '' && inner !== undefined ? networkMessage(inner) : err.message || err.name;
}
