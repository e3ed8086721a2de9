import { hash } from 'node:crypto';

/** Longer keys are hashed: many are kept while a snapshot runs. */
const MAX_LENGTH = 256;

/** A row's key, unique within a database; the values as the server writes them. */
export function rowKey(schema: string, table: string, values: readonly (string | null | undefined)[]): string {
  const key = JSON.stringify(values);
  return `${tablePrefix(schema, table)}${key.length <= MAX_LENGTH ? key : hash('sha256', key)}`;
}

/** What the keys of all rows of a table begin with. */
export const tablePrefix = (schema: string, table: string): string => `${JSON.stringify([schema, table])}:`;
