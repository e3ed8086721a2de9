import { notSupported } from '../field-error.ts';
import { invalid } from '../status-error.ts';

export type FieldValidation = 'Strict' | 'Warn' | 'Ignore';

type Options = 'CreateOptions' | 'UpdateOptions' | 'PatchOptions' | 'DeleteOptions';

const MODES = ['', 'Ignore', 'Strict', 'Warn'];

/** Checks the query of a write. Throws 422 as apimachinery's validation does. Returns whether it is only tried. */
export function readWriteOptions(query: URLSearchParams, options: Options): { readonly dryRun: boolean } {
  if (query.size === 0) return { dryRun: false };
  const mode = query.get('fieldValidation') ?? '';
  if (!MODES.includes(mode)) throw invalid(kindOf(options), '', [notSupported('fieldValidation', mode, MODES)]);
  return { dryRun: readDryRun(query.has('dryRun') ? query.getAll('dryRun') : [], options) };
}

export function readDryRun(values: readonly string[], options: Options): boolean {
  if (values.some((value) => value !== 'All'))
    throw invalid(kindOf(options), '', [notSupported('dryRun', values, ['All'])]);
  return values.length > 0;
}

/** Undefined when the client does not say: then unknown fields are warned of. */
export function readFieldValidation(query: URLSearchParams): FieldValidation | undefined {
  const value = query.get('fieldValidation');
  return value === 'Strict' || value === 'Ignore' || value === 'Warn' ? value : undefined;
}

const kindOf = (name: Options): { group: string; name: string } => ({ group: 'meta.k8s.io', name });
