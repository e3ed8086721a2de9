import type { TaskType } from './task-state.ts';

/** Parameters that change whether and how statements are executed, and the types that know them. */
const TYPES_OF: readonly (readonly [path: readonly string[], types: readonly TaskType[]])[] = [
  [['review'], ['mysql', 'doris']],
  [['rollback_of'], ['mysql']],
  [
    ['exec_options', 'ledger'],
    ['mysql', 'postgres'],
  ],
];

/**
 * Says which parameter the type does not know that nobody may take for heeded: what should only be reviewed would be
 * executed. crds/deploytasks.yaml has the same rules; they are here for an answer of REST before anything is created, and
 * for agents whose API server has older ones. Undefined: there is none.
 */
export function misplacedParam(type: TaskType, params: Readonly<Record<string, unknown>>): string | undefined {
  for (const [path, types] of TYPES_OF) {
    const value = path.reduce<unknown>(memberOf, params);
    if (value === undefined || value === null || value === false || types.includes(type)) continue;
    return `params.${path.join('.')} is for tasks of type ${types.join(' and ')}`;
  }
  return undefined;
}

const memberOf = (holder: unknown, key: string): unknown =>
  typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
    ? (holder as Record<string, unknown>)[key]
    : undefined;
