import type { Checkpoint } from '../stream-entry.ts';

/** Where a stream is to begin. */
export type StartPoint =
  | { readonly kind: 'FirstStart' }
  | { readonly kind: 'Resume'; readonly checkpoint: Checkpoint }
  | { readonly kind: 'Lost'; readonly message: string };

/**
 * The newest checkpoint whose events the consumer all has. `checkpoints` are newest first; `position` is the consumer's, −1 for
 * none. Without one nobody knows what the consumer has missed, but at the first start of all.
 */
export function startPoint(checkpoints: readonly Checkpoint[], position: number): StartPoint {
  const checkpoint = checkpoints.find(({ index, sentIndex = index }) => sentIndex <= position);
  if (checkpoint !== undefined) return { kind: 'Resume', checkpoint };
  if (position < 0 && checkpoints.length === 0) return { kind: 'FirstStart' };
  const oldest = checkpoints.at(-1);
  const known =
    oldest === undefined
      ? 'there is no checkpoint'
      : `the oldest checkpoint is of index ${oldest.sentIndex ?? oldest.index}`;
  return { kind: 'Lost', message: `the consumer is at index ${position}, and ${known}` };
}
