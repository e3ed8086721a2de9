import type { Condition } from './object.ts';

/** A condition before the time of its last change is known. */
export type NewCondition = Omit<Condition, 'lastTransitionTime'>;

/**
 * Returns `conditions` with `next` put in place of the condition of its type. The transition time moves only when the
 * status changes (Kubernetes API conventions); the input is not changed.
 */
export function withCondition(
  conditions: readonly Condition[] | undefined,
  next: NewCondition,
  now: Date,
): Condition[] {
  const known = conditions ?? [];
  const before = known.find(({ type }) => type === next.type);
  const lastTransitionTime = before?.status === next.status ? before.lastTransitionTime : now.toISOString();
  const message = next.message.length > 4096 ? `${next.message.slice(0, 4093)}...` : next.message;
  const condition: Condition = { ...next, message, lastTransitionTime };
  return before === undefined ? [...known, condition] : known.map((old) => (old === before ? condition : old));
}

export function findCondition(conditions: readonly Condition[] | undefined, type: string): Condition | undefined {
  return conditions?.find((condition) => condition.type === type);
}
