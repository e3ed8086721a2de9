import { parseExecOptions } from '../database/exec-options.ts';
import type { ExecOptions } from '../database/exec-options.ts';

export interface MongoParams extends ExecOptions {
  /** Whether the operations after one that failed are executed all the same. */
  readonly continueOnError: boolean;
  /** Whether `$where`, `$function` and `$accumulator` may be used. */
  readonly allowJavascript: boolean;
}

/** The text of why they cannot be, else the params. */
export function parseMongoParams(params: Readonly<Record<string, unknown>>): MongoParams | string {
  const options = parseExecOptions(params);
  if (typeof options === 'string') return options;
  const from = (params['exec_options'] ?? {}) as Readonly<Record<string, unknown>>;
  const { continue_on_error: goesOn = false, allow_javascript: javascript = false } = from;
  if (typeof goesOn !== 'boolean') return 'params.exec_options.continue_on_error must be true or false';
  if (typeof javascript !== 'boolean') return 'params.exec_options.allow_javascript must be true or false';
  if (goesOn && options.transaction)
    return 'params.exec_options: a transaction ends with the first error; take back transaction or continue_on_error';
  return { ...options, continueOnError: goesOn, allowJavascript: javascript };
}
