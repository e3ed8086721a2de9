import type { FieldError } from './field-error.ts';
import { goQuote } from './go-format.ts';

/** What a `Status` says of its object and why. */
export interface StatusDetails {
  readonly name?: string;
  readonly group?: string;
  readonly kind?: string;
  readonly uid?: string;
  readonly causes?: readonly { readonly reason?: string; readonly message: string; readonly field?: string }[];
  readonly retryAfterSeconds?: number;
}

/** The `Status` object (meta/v1) that a failed call is answered with. */
export interface StatusObject {
  readonly kind: 'Status';
  readonly apiVersion: 'v1';
  readonly metadata: object;
  readonly status: 'Failure';
  readonly message: string;
  readonly reason?: string;
  readonly details?: StatusDetails;
  readonly code: number;
}

/** A resource or, in `invalid`, a kind: `name` is the plural or the kind. */
export interface Qualified {
  readonly group: string;
  readonly name: string;
}

/** A failure that the server answers with, worded as the real one words it (apimachinery/pkg/api/errors). */
export class StatusError extends Error {
  override readonly name = 'StatusError';
  readonly code: number;
  readonly reason: string;
  readonly details: StatusDetails | undefined;

  constructor(code: number, reason: string, message: string, details?: StatusDetails) {
    super(message);
    this.code = code;
    this.reason = reason;
    this.details = details;
  }

  toStatus(): StatusObject {
    return {
      kind: 'Status',
      apiVersion: 'v1',
      metadata: {},
      status: 'Failure',
      message: this.message,
      ...(this.reason !== '' && { reason: this.reason }),
      ...(this.details && { details: this.details }),
      code: this.code,
    };
  }
}

const qualify = ({ group, name }: Qualified): string => (group === '' ? name : `${name}.${group}`);

/** Members in the order in which Go's encoder writes them, empty ones left out. */
function detailsOf(resource: Qualified, name: string, more: StatusDetails = {}): StatusDetails {
  return {
    ...(name !== '' && { name }),
    ...(resource.group !== '' && { group: resource.group }),
    ...(resource.name !== '' && { kind: resource.name }),
    ...more,
  };
}

export function notFound(resource: Qualified, name: string): StatusError {
  return new StatusError(404, 'NotFound', `${qualify(resource)} ${goQuote(name)} not found`, detailsOf(resource, name));
}

/** A path that the server does not serve at all. */
export function pathNotFound(): StatusError {
  return new StatusError(404, 'NotFound', 'the server could not find the requested resource', {});
}

export function alreadyExists(resource: Qualified, name: string): StatusError {
  const message = `${qualify(resource)} ${goQuote(name)} already exists`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(resource, name));
}

/** No free name was found for a `generateName`. */
export function generateNameConflict(resource: Qualified, name: string): StatusError {
  const message = `${qualify(resource)} "${name}" already exists, the server was not able to generate a unique name for the object`;
  return new StatusError(409, 'AlreadyExists', message, detailsOf(resource, name, { retryAfterSeconds: 1 }));
}

export function conflict(resource: Qualified, name: string, why: string): StatusError {
  const message = `Operation cannot be fulfilled on ${qualify(resource)} "${name}": ${why}`;
  return new StatusError(409, 'Conflict', message, detailsOf(resource, name));
}

/** The object was changed since the version that the write was decided on. */
export function staleVersion(resource: Qualified, name: string): StatusError {
  const why = 'the object has been modified; please apply your changes to the latest version and try again';
  return conflict(resource, name, why);
}

/** Refuses an object of a kind. `kind.name` is the kind, such as `DeployTask`. */
export function invalid(kind: Qualified, name: string, errors: readonly FieldError[]): StatusError {
  const texts = [...new Set(errors.map(({ field, message }) => `${field}: ${message}`))];
  const what = `${qualify(kind)} "${name}" is invalid`;
  const all = texts.length === 1 ? texts[0] : `[${texts.join(', ')}]`;
  const causes = errors.map(({ field, type, message }) => ({ reason: type, message, field }));
  return new StatusError(
    422,
    'Invalid',
    texts.length === 0 ? what : `${what}: ${all}`,
    detailsOf(kind, name, causes.length === 0 ? {} : { causes }),
  );
}

export function badRequest(message: string): StatusError {
  return new StatusError(400, 'BadRequest', message);
}

export function unauthorized(): StatusError {
  return new StatusError(401, 'Unauthorized', 'Unauthorized');
}

/** `why` such as `User "x" cannot get resource "secrets" in API group "" in the namespace "default"`. */
export function forbidden(resource: Qualified, name: string, why: string): StatusError {
  const what =
    resource.name === '' ? 'forbidden' : `${qualify(resource)}${name === '' ? '' : ` "${name}"`} is forbidden`;
  return new StatusError(403, 'Forbidden', `${what}: ${why}`, detailsOf(resource, name));
}

/** A position (a continue token, a watch's version) that history no longer reaches. */
export function expired(message: string): StatusError {
  return new StatusError(410, 'Expired', message);
}

/** A watch's version that history no longer reaches, as it comes inside an ERROR event. */
export function tooOldVersion(requested: string, oldest: string): StatusError {
  return expired(`too old resource version: ${requested} (${oldest})`);
}

export function methodNotAllowed(resource: Qualified, action: string): StatusError {
  const message = `${action} is not supported on resources of kind "${qualify(resource)}"`;
  return new StatusError(405, 'MethodNotAllowed', message, detailsOf(resource, ''));
}

/** A method that no resource at the path has. */
export function verbNotAllowed(): StatusError {
  const message = 'the server does not allow this method on the requested resource';
  return new StatusError(405, 'MethodNotAllowed', message, {});
}

export function notAcceptable(accepted: readonly string[]): StatusError {
  const message = `only the following media types are accepted: ${accepted.join(', ')}`;
  return new StatusError(406, 'NotAcceptable', message);
}

export function unsupportedMediaType(accepted: readonly string[]): StatusError {
  const message = `the body of the request was in an unknown format - accepted media types include: ${accepted.join(', ')}`;
  return new StatusError(415, 'UnsupportedMediaType', message);
}

/** `message` such as `limit is 3145728`. */
export function tooLarge(message: string): StatusError {
  return new StatusError(413, 'RequestEntityTooLarge', `Request entity too large: ${message}`);
}

export function tooManyRequests(message: string, retryAfterSeconds: number): StatusError {
  return new StatusError(429, 'TooManyRequests', message, { retryAfterSeconds });
}

export function internalError(message: string): StatusError {
  return new StatusError(500, 'InternalError', `Internal error occurred: ${message}`, { causes: [{ message }] });
}
