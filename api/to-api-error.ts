import { isTooLarge, KubeError } from '../kube/kube-error.ts';
import { StoreError } from '../store/store-error.ts';
import { ApiError } from './errors.ts';

/** What the embedded API server answers when its disk is full. */
const INSUFFICIENT_STORAGE = 507;

/** The longest part of another program's message that is passed on. */
const MAX_TEXT = 1024;

/** Says in the catalogue's words what went wrong, whatever part of the program threw it. */
export function toApiError(err: unknown): ApiError {
  if (err instanceof ApiError) return err;
  if (err instanceof KubeError) return fromKube(err);
  if (err instanceof StoreError) return fromStore(err);
  return fromExpress(err) ?? new ApiError('Internal', undefined, { cause: err });
}

function fromKube(err: KubeError): ApiError {
  if (err.code === 422) {
    const causes = err.status.details?.causes ?? [];
    const text = causes.map(({ field, message }) => `${field ?? ''}: ${message ?? ''}`).join('; ');
    return new ApiError('InvalidTask', shorten(text || err.message), { cause: err });
  }
  if (isTooLarge(err))
    return new ApiError('BodyTooLarge', 'the object is too large for the Kubernetes API', { cause: err });
  if (err.code === 429 || err.code >= 502) {
    const seconds = Math.ceil((err.retryAfterMs ?? 1000) / 1000);
    const text =
      err.code === INSUFFICIENT_STORAGE ? `the Kubernetes API answered: ${err.status.message ?? ''}` : undefined;
    return new ApiError('KubernetesUnavailable', text && shorten(text), {
      cause: err,
      headers: { 'Retry-After': String(seconds) },
    });
  }
  return new ApiError('KubernetesError', shorten(`the Kubernetes API answered: ${err.status.message ?? err.code}`), {
    cause: err,
  });
}

function fromStore(err: StoreError): ApiError {
  const code = err.code === 'InvalidName' ? 'InvalidRequest' : err.code;
  return new ApiError(code, err.message, {
    cause: err,
    details: err.next === undefined ? {} : { next: err.next },
  });
}

interface ExpressError {
  status?: number;
  type?: string;
  message?: string;
  errors?: { path?: string; message?: string }[];
}

/** Errors of express, its body parser and the validator carry a status; errors of undici and Node carry a code. */
function fromExpress(err: unknown): ApiError | undefined {
  if (typeof err !== 'object' || err === null) return undefined;
  const { status, type, message, errors } = err as ExpressError;
  if (type === 'entity.too.large') return new ApiError('BodyTooLarge');
  if (type === 'entity.parse.failed')
    return new ApiError('InvalidJson', `the body is not valid JSON: ${shorten(message)}`);
  if (status === 415) return new ApiError('UnsupportedEncoding');
  if (status === 400 && errors !== undefined) return new ApiError('InvalidRequest', errors.map(describe).join('; '));
  if (status !== undefined && status >= 400 && status < 500) return new ApiError('InvalidRequest', shorten(message));
  if (isConnectionError(err)) {
    return new ApiError('KubernetesUnavailable', undefined, { cause: err, headers: { 'Retry-After': '1' } });
  }
  return undefined;
}

/** `/body/agent_id`, `must have required property 'agent_id'` → `agent_id is required`. */
function describe({ path = '', message = '' }: { path?: string; message?: string }): string {
  if (message.startsWith('malformed uri')) return 'the path holds broken percent-encoding';
  const field = path.replace(/^\/(body|query|params|headers)\/?/, '').replaceAll('/', '.') || 'the body';
  return message.startsWith('must have required property') ? `${field} is required` : `${field} ${message}`;
}

const CONNECTION_CODES: ReadonlySet<string> = new Set<string>([
  'ECONNREFUSED',
  'ECONNRESET',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
  'UND_ERR_BODY_TIMEOUT',
  'UND_ERR_CLOSED',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_HEADERS_TIMEOUT',
  'UND_ERR_SOCKET',
]);

/** Whether no answer of the Kubernetes API was had: a write may or may not have happened. */
export function isConnectionError(err: unknown): boolean {
  const { code } = err as { code?: unknown };
  return typeof code === 'string' && CONNECTION_CODES.has(code);
}

function shorten(text = ''): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}
