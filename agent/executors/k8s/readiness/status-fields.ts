import { isObject } from '../manifest/parse-documents.ts';
import type { JsonObject } from '../manifest/parse-documents.ts';

export interface ConditionLike {
  readonly type?: unknown;
  readonly status?: unknown;
  readonly reason?: unknown;
  readonly message?: unknown;
}

export function conditionOf({ status }: JsonObject, type: string): ConditionLike | undefined {
  const conditions = isObject(status) ? status['conditions'] : undefined;
  if (!Array.isArray(conditions)) return undefined;
  return conditions.filter(isObject).find((condition) => condition['type'] === type);
}

export const numberOf = (value: unknown, unset = 0): number => (typeof value === 'number' ? value : unset);

/** A value of a status in a sentence. */
export const shown = (value: unknown): string =>
  typeof value === 'string' && value !== ''
    ? value
    : value === undefined || value === ''
      ? 'unknown'
      : JSON.stringify(value);
