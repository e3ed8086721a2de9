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

/** Where nobody reads them, and what was meant. */
const NEARLY: readonly (readonly [path: readonly string[], meant: string, types: readonly TaskType[]])[] = [
  [['exec_options', 'review'], 'params.review', ['mysql', 'doris']],
  [
    ['exec_options', 'approve'],
    'params.approve',
    ['mysql', 'doris', 'postgres', 'mongo', 'elasticsearch', 'clickhouse'],
  ],
  [['ledger'], 'params.exec_options.ledger', ['mysql', 'postgres', 'doris']],
];

/**
 * Says which parameter the type does not know that nobody may take for heeded: what should only be reviewed would be
 * executed. crds/deploytasks.yaml has the rules of the types too; they are here for an answer of REST before anything is created, and
 * for agents whose API server has older ones. Undefined: there is none.
 */
export function misplacedParam(type: TaskType, params: Readonly<Record<string, unknown>>): string | undefined {
  const has = (path: readonly string[]): boolean => {
    const value = path.reduce<unknown>(memberOf, params);
    return value !== undefined && value !== null && value !== false;
  };
  for (const [path, types] of TYPES_OF)
    if (!types.includes(type) && has(path))
      return `params.${path.join('.')} is for tasks of type ${types.join(' and ')}`;
  for (const [path, meant, types] of NEARLY)
    if (types.includes(type) && has(path)) return `params.${path.join('.')} is not known: ${meant} is`;
  return undefined;
}

const memberOf = (holder: unknown, key: string): unknown =>
  typeof holder === 'object' && holder !== null && Object.hasOwn(holder, key)
    ? (holder as Record<string, unknown>)[key]
    : undefined;
