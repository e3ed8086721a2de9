import type { Document } from 'mongodb';
import { isDocument } from './operation-fields.ts';

/**
 * What an update does, as the server takes it: a plain document becomes `$set` (manual §4.3), one of operators and a
 * pipeline stay as they are. A string is what is wrong.
 */
export function updateOf(update: unknown): Document | readonly Document[] | string {
  if (update === undefined) return 'update is required';
  if (Array.isArray(update)) return isPipeline(update) ? update : 'update, as a pipeline, must be an array of stages';
  if (!isDocument(update)) return 'update must be an object or a pipeline';
  const keys = Object.keys(update);
  if (keys.length === 0) return 'update is empty';
  const operator = keys.find((key) => key.startsWith('$'));
  const field = keys.find((key) => !key.startsWith('$'));
  if (operator !== undefined && field !== undefined)
    return `update mixes operators (${operator}) and plain fields (${field}): put the fields into $set`;
  return operator === undefined ? { $set: update } : update;
}

const isPipeline = (stages: readonly unknown[]): stages is readonly Document[] =>
  stages.length > 0 && stages.every(isStage);

/** A stage is an object of one key, its operator. */
export const isStage = (stage: unknown): stage is Document =>
  isDocument(stage) && Object.keys(stage).length === 1 && Object.keys(stage)[0]?.startsWith('$') === true;
