import type { CelType } from './cel-type.ts';

/** A kind that an argument must have; `any` takes all. */
export type Pattern = CelType['kind'] | 'any';

/** One overload of a function. Operands come with the receiver first. */
export interface Overload {
  readonly name: string;
  readonly receiver: boolean;
  readonly operands: readonly Pattern[];
  /** The type of what comes out; a function when it depends on what goes in. */
  readonly returns: CelType | ((types: readonly CelType[]) => CelType);
  /** Operands are what their pattern says. Throws CelError when there is no result. */
  readonly call: (operands: never, types: readonly CelType[]) => unknown;
}

type Make = (
  name: string,
  operands: readonly Pattern[],
  returns: Overload['returns'],
  call: Overload['call'],
) => Overload;

export const method: Make = (name, operands, returns, call) => ({ name, receiver: true, operands, returns, call });
export const free: Make = (name, operands, returns, call) => ({ name, receiver: false, operands, returns, call });
