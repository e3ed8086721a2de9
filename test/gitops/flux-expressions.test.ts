import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluate } from '@marcbachmann/cel-js';
import { load } from 'js-yaml';
import { describe, expect, it } from 'vitest';

interface Checks {
  readonly spec: { readonly healthCheckExprs: readonly { kind: string; current: string; failed: string }[] };
}

const file = join(import.meta.dirname, '../../docs/gitops/flux.yaml');
const check = (load(readFileSync(file, 'utf8')) as Checks).spec.healthCheckExprs.find(
  ({ kind }) => kind === 'SyncTask',
);

const sync = (desiredState: string, conditions: Readonly<Record<string, string>>, disabled = false): object => ({
  metadata: {},
  spec: { desiredState, disabled },
  status: { conditions: Object.entries(conditions).map(([type, status]) => ({ type, status })) },
});

describe('the expressions of docs/gitops/flux.yaml', () => {
  it.each([
    ['is stopped', sync('Stopped', { Ready: 'False', Stalled: 'False' }), true, false],
    ['is disabled', sync('Running', { Ready: 'False' }, true), true, false],
    ['carries data', sync('Running', { Ready: 'True', Stalled: 'False' }), true, false],
    ['is tried again', sync('Running', { Ready: 'False', Stalled: 'False' }), false, false],
    ['waits for a person', sync('Running', { Ready: 'False', Stalled: 'True' }), false, true],
    [
      'was not seen yet',
      { metadata: {}, spec: { desiredState: 'Running', disabled: false }, status: {} },
      false,
      false,
    ],
  ])('know a sync that %s', (_what, object, current, failed) => {
    expect(evaluate(check?.current ?? '', object as Record<string, unknown>)).toBe(current);
    expect(evaluate(check?.failed ?? '', object as Record<string, unknown>)).toBe(failed);
  });
});
