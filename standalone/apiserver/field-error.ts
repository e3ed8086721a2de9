import { goQuote, goValue } from './go-format.ts';

/** Why a field is refused, as `details.causes[].reason` of a Status names it. */
export type FieldErrorType =
  | 'FieldValueNotFound'
  | 'FieldValueRequired'
  | 'FieldValueInvalid'
  | 'FieldValueNotSupported'
  | 'FieldValueForbidden'
  | 'FieldValueDuplicate'
  | 'FieldValueTooLong'
  | 'FieldValueTooShort'
  | 'FieldValueTooMany'
  | 'FieldValueTooFew'
  | 'FieldValueTypeInvalid'
  | 'InternalError';

/** One field that breaks a rule. */
export interface FieldError {
  /** Path of the field, such as `spec.steps[0].name`; `<nil>` for the object itself. */
  readonly field: string;
  readonly type: FieldErrorType;
  /** As kubectl shows it, without the field: `Invalid value: "x": must be short`. */
  readonly message: string;
}

const LABELS: Readonly<Record<FieldErrorType, string>> = {
  FieldValueNotFound: 'Not found',
  FieldValueRequired: 'Required value',
  FieldValueInvalid: 'Invalid value',
  FieldValueNotSupported: 'Unsupported value',
  FieldValueForbidden: 'Forbidden',
  FieldValueDuplicate: 'Duplicate value',
  FieldValueTooLong: 'Too long',
  FieldValueTooShort: 'Too short',
  FieldValueTooMany: 'Too many',
  FieldValueTooFew: 'Too few',
  FieldValueTypeInvalid: 'Invalid value',
  InternalError: 'Internal error',
};

function withValue(type: FieldErrorType, field: string, value: unknown, detail: string): FieldError {
  const body = `${LABELS[type]}: ${goValue(value)}`;
  return { field, type, message: detail === '' ? body : `${body}: ${detail}` };
}

function withoutValue(type: FieldErrorType, field: string, detail: string): FieldError {
  return { field, type, message: detail === '' ? LABELS[type] : `${LABELS[type]}: ${detail}` };
}

// The factories of k8s.io/apimachinery/pkg/util/validation/field, under their names.

export const required = (field: string, detail = ''): FieldError => withoutValue('FieldValueRequired', field, detail);

export const forbidden = (field: string, detail: string): FieldError =>
  withoutValue('FieldValueForbidden', field, detail);

export const invalid = (field: string, value: unknown, detail: string): FieldError =>
  withValue('FieldValueInvalid', field, value, detail);

/** An invalid value that the message does not repeat. */
export const invalidOmitted = (field: string, detail: string): FieldError =>
  withoutValue('FieldValueInvalid', field, detail);

export const typeInvalid = (field: string, value: unknown, detail: string): FieldError =>
  withValue('FieldValueTypeInvalid', field, value, detail);

export const duplicate = (field: string, value: unknown): FieldError =>
  withValue('FieldValueDuplicate', field, value, '');

export function notSupported(field: string, value: unknown, supported: readonly string[]): FieldError {
  const detail = supported.length === 0 ? '' : `supported values: ${supported.map(goQuote).join(', ')}`;
  return withValue('FieldValueNotSupported', field, value, detail);
}

export const tooLong = (field: string, maxLength: number): FieldError =>
  withoutValue(
    'FieldValueTooLong',
    field,
    maxLength < 0 ? 'value is too long' : `may not be more than ${maxLength} ${maxLength === 1 ? 'byte' : 'bytes'}`,
  );

export const tooMany = (field: string, actual: number, max: number): FieldError =>
  withValue('FieldValueTooMany', field, actual, `must have at most ${max} ${max === 1 ? 'item' : 'items'}`);
