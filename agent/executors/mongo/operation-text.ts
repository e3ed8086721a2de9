import type { MongoOperation } from './mongo-operation.ts';
import type { OperationCounts } from './operation-run.ts';

const TITLES: Readonly<Record<MongoOperation['kind'], string>> = {
  insert: 'INSERT',
  update: 'UPDATE',
  delete: 'DELETE',
  find: 'FIND',
  aggregate: 'AGGREGATE',
  count: 'COUNT',
  distinct: 'DISTINCT',
  createIndex: 'CREATE INDEX',
  dropIndex: 'DROP INDEX',
};

/** `Operation 1: INSERT SUCCESS (Documents: 1)`, as the manual's §4.3 has it. */
export function successText({ number, kind }: MongoOperation, counts: OperationCounts): string {
  const { documents, matched, upserted, index } = counts;
  const named = { Documents: documents, Matched: matched, Upserted: upserted, Index: index };
  const shown = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : `${name}: ${value}`));
  return `Operation ${number}: ${TITLES[kind]} SUCCESS${shown.length === 0 ? '' : ` (${shown.join(', ')})`}`;
}

export const errorText = (number: number, problem: string): string => `Operation ${number}: ERROR - ${problem}`;

/** The same for `result_format: json`. */
export function resultFields({ number, kind, collection }: MongoOperation, counts: OperationCounts | string): object {
  const base = { operation: number, kind, collection };
  if (typeof counts === 'string') return { ...base, success: false, error: counts };
  const { documents, matched, upserted, index } = counts;
  const all = { documents, matched, upserted, index };
  return {
    ...base,
    success: true,
    ...Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)),
  };
}
