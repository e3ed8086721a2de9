import { StatusError, badRequest } from '../status-error.ts';

/** A patch that is well formed but does not fit the object, a failed `test` among them. The real server says no more. */
export function patchDoesNotApply(): StatusError {
  return new StatusError(422, 'Invalid', 'the server rejected our request due to an error in our request', {});
}

/** A patch that is no patch. `why` in the words of Go's decoder. */
export function patchNotDecodable(why: string): StatusError {
  return badRequest(`error decoding patch: ${why}`);
}

/** The type of a JSON value as Go's decoder names it. */
export function goTypeOf(value: unknown): string {
  if (Array.isArray(value)) return 'array';
  if (typeof value === 'boolean') return 'bool';
  return typeof value;
}
