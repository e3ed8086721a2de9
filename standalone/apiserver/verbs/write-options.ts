import { notSupported } from '../field-error.ts';
import { invalid } from '../status-error.ts';

/** Whether a write is only tried. Throws 422 for values other than `All`. */
export function readDryRun(
  query: URLSearchParams,
  options: 'CreateOptions' | 'UpdateOptions' | 'PatchOptions',
): boolean {
  if (!query.has('dryRun')) return false;
  checkDryRun(query.getAll('dryRun'), options);
  return true;
}

export function checkDryRun(values: readonly string[], options: string): void {
  const errors = values.filter((value) => value !== 'All').map((value) => notSupported('dryRun', value, ['All']));
  if (errors.length > 0) throw invalid({ group: 'meta.k8s.io', name: options }, '', errors);
}
